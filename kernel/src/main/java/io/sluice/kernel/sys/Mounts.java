// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.sys;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/** BPF file systems, and where the cgroup v2 hierarchy is. */
public final class Mounts {
  private static final Path MOUNTINFO = Path.of("/proc/self/mountinfo");
  private static final long BPF_FS_MAGIC = 0xcafe4a11L;
  private static final long CGROUP2_MAGIC = 0x63677270L;
  private static final int STATFS_SIZE = 256;
  private static final long NOSUID_NODEV_NOEXEC = 2 | 4 | 8;
  private static final int MNT_DETACH = 2;

  private Mounts() {}

  /**
   * One line of mountinfo.
   *
   * @param root what of the file system is mounted: "/" unless it is a part
   * @param point where
   * @param type type of the file system
   */
  record Mount(String root, Path point, String type) {}

  /**
   * Mounts a new, empty bpffs, apart from all others, unless the folder is one already.
   *
   * @param folder made, with its parents, if it is missing
   * @return false if it was a bpffs already
   */
  public static boolean mountBpffs(Path folder) {
    if (isBpffs(folder)) {
      return false;
    }
    try {
      Files.createDirectories(folder);
    } catch (IOException e) {
      throw new IllegalStateException("cannot make " + folder + ": " + e, e);
    }
    Libc.check(
        "mount bpffs on " + folder,
        Libc.get().mount("bpf", folder.toString(), "bpf", NOSUID_NODEV_NOEXEC, "mode=0700"));
    return true;
  }

  /**
   * Takes a mounted file system off, at once, even if files of it are open.
   *
   * @return false if nothing was mounted there
   */
  public static boolean unmount(Path folder) {
    int result = Libc.get().umount2(folder.toString(), MNT_DETACH);
    if (result < 0 && (Libc.errno() == Errno.EINVAL || Libc.errno() == Errno.ENOENT)) {
      return false;
    }
    Libc.check("unmount " + folder, result);
    return true;
  }

  /** Whether a path is on a bpffs; false also if it does not exist. */
  public static boolean isBpffs(Path path) {
    return is(BPF_FS_MAGIC, path);
  }

  /** Whether a path is on a cgroup v2 file system; false also if it does not exist. */
  public static boolean isCgroup2(Path path) {
    return is(CGROUP2_MAGIC, path);
  }

  private static boolean is(long magic, Path path) {
    ByteBuffer statfs = ByteBuffer.allocate(STATFS_SIZE).order(ByteOrder.nativeOrder());
    int result = Libc.get().statfs(path.toString(), statfs);
    if (result < 0 && Libc.errno() == Errno.ENOENT) {
      return false;
    }
    Libc.check("statfs " + path, result);
    return statfs.getLong(0) == magic; // f_type, a long on 64-bit machines
  }

  /**
   * The root of the cgroup v2 hierarchy, wherever it is mounted; the whole rather than a part, if
   * there are several. Empty if it is not mounted.
   */
  public static Optional<Path> cgroup2Root() {
    try {
      return cgroup2Root(Files.readAllLines(MOUNTINFO));
    } catch (IOException e) {
      throw new IllegalStateException("cannot read " + MOUNTINFO + ": is /proc mounted?", e);
    }
  }

  static Optional<Path> cgroup2Root(List<String> mountinfo) {
    return parse(mountinfo).stream()
        .filter(mount -> mount.type().equals("cgroup2"))
        .min(Comparator.comparing(mount -> !mount.root().equals("/")))
        .map(Mount::point);
  }

  /** Reads mountinfo (proc(5)): "id parent dev root point options [optional…] - type source …". */
  static List<Mount> parse(List<String> mountinfo) {
    List<Mount> mounts = new ArrayList<>();
    for (String line : mountinfo) {
      String[] halves = line.split(" - ", 2);
      String[] fields = halves[0].split(" ");
      if (halves.length == 2 && fields.length >= 5) {
        String type = halves[1].split(" ")[0];
        mounts.add(new Mount(unescape(fields[3]), Path.of(unescape(fields[4])), type));
      }
    }
    return mounts;
  }

  /** The kernel writes blanks, tabs, line feeds and backslashes as three octal digits. */
  private static String unescape(String text) {
    StringBuilder plain = new StringBuilder(text.length());
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '\\' && i + 3 < text.length()) {
        plain.append((char) Integer.parseInt(text.substring(i + 1, i + 4), 8));
        i += 3;
      } else {
        plain.append(c);
      }
    }
    return plain.toString();
  }
}
