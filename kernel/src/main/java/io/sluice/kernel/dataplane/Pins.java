// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.dataplane;

import io.sluice.kernel.bpf.Fd;
import io.sluice.kernel.sys.Errno;
import io.sluice.kernel.sys.Libc;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * The folders of pins below the bpffs. Folders hold pins and, as marks, empty folders; nothing else
 * can be made there. Thread-safe, as far as the file system is.
 */
final class Pins {
  static final String ROOT = "sluice";

  private static final int O_DIRECTORY_CLOEXEC = 0x10000 | 0x80000;
  private static final int LOCK_EX_NB = 2 | 4;

  private Pins() {}

  /**
   * @throws io.sluice.kernel.bpf.KernelException if nothing of that kind is mounted there
   */
  static void requireBpffs(Path bpffs) {
    String type;
    try {
      type = Files.getFileStore(bpffs).type();
    } catch (IOException e) {
      throw Errno.failure("use bpffs " + bpffs, Errno.ENOENT, mountAdvice(bpffs));
    }
    if (!type.equals("bpf")) {
      throw Errno.failure("use bpffs " + bpffs, Errno.EINVAL, mountAdvice(bpffs));
    }
  }

  private static String mountAdvice(Path bpffs) {
    return "no bpffs is mounted there; mount -t bpf bpf " + bpffs;
  }

  /**
   * Takes the root for this process alone. The kernel lets go of it when the process ends, however
   * it ends.
   *
   * @throws io.sluice.kernel.bpf.KernelException with EAGAIN if another process has it
   */
  static Fd lock(Path root) {
    makeFolder(root);
    int fd = Libc.get().open(root.toString(), O_DIRECTORY_CLOEXEC, 0);
    Libc.check("open " + root, fd);
    Fd lock = new Fd(fd);
    if (Libc.get().flock(fd, LOCK_EX_NB) != 0) {
      int errno = Libc.errno();
      lock.close();
      throw errno == Errno.EAGAIN
          ? Errno.failure("take " + root, errno, "another agent runs this dataplane; stop it first")
          : Errno.failure("take " + root, errno);
    }
    return lock;
  }

  static void makeFolder(Path folder) {
    try {
      Files.createDirectories(folder);
    } catch (FileAlreadyExistsException e) {
      throw Errno.failure("make folder " + folder, Errno.EEXIST, "a pin is in its place");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static boolean exists(Path path) {
    return Files.exists(path);
  }

  /** What is in a folder, in the order of names; nothing if there is no such folder. */
  static List<Path> list(Path folder) {
    try (Stream<Path> entries = Files.list(folder)) {
      return entries.sorted().toList();
    } catch (NoSuchFileException e) {
      return List.of();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static void move(Path from, Path to) {
    try {
      Files.move(from, to);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Deletes a pin or an empty folder; no error if there is none. */
  static void delete(Path path) {
    try {
      Files.deleteIfExists(path);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Deletes a folder and all therein; no error if there is none. */
  static void deleteTree(Path folder) {
    if (!Files.exists(folder)) {
      return;
    }
    try (Stream<Path> all = Files.walk(folder)) {
      all.sorted(Comparator.reverseOrder()).forEach(Pins::delete);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
