// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.bpf;

import io.sluice.kernel.sys.Errno;
import io.sluice.kernel.sys.Libc;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;

/**
 * The bpf(2) system call: commands on descriptors, pins and IDs. Commands on maps, programs and
 * links are in {@link MapCalls}, {@link Programs} and {@link TcxLink}. Thread-safe.
 */
public final class Bpf {
  static final int OBJ_PIN = 6;
  static final int OBJ_GET = 7;
  static final int PROG_GET_FD_BY_ID = 13;
  static final int MAP_GET_FD_BY_ID = 14;
  static final int OBJ_GET_INFO_BY_FD = 15;
  static final int BTF_GET_FD_BY_ID = 19;
  static final int LINK_GET_FD_BY_ID = 30;

  private static final int ATTR_SIZE = 152;
  private static final long SYSCALL = number(System.getProperty("os.arch"));
  private static final ThreadLocal<NativeBuffer> ATTR =
      ThreadLocal.withInitial(() -> new NativeBuffer(ATTR_SIZE));

  private Bpf() {}

  private static long number(String arch) {
    return switch (arch.toLowerCase(Locale.ROOT)) {
      case "amd64", "x86_64" -> 321;
      case "aarch64", "riscv64" -> 280;
      default -> throw new IllegalStateException("no bpf(2) number is known for " + arch);
    };
  }

  /** This thread's zeroed attributes, to be filled and passed to {@link #call(int)} at once. */
  static ByteBuffer attr() {
    NativeBuffer attr = ATTR.get();
    attr.clear();
    return attr.bytes();
  }

  /** This thread's attributes as the last call left them. */
  static ByteBuffer result() {
    return ATTR.get().bytes();
  }

  /**
   * Issues a command with this thread's attributes, again if a signal or contention broke it off.
   *
   * @return what the kernel returned, or the negative error number
   */
  static int call(int command) {
    NativeBuffer attr = ATTR.get();
    for (int attempt = 0; ; attempt++) {
      long result = Libc.get().syscall(SYSCALL, command, attr.address(), ATTR_SIZE);
      if (result >= 0) {
        return (int) result;
      }
      int errno = Libc.errno();
      boolean transientError = errno == Errno.EAGAIN || errno == Errno.EINTR;
      if (!transientError || attempt == 5) {
        return -errno;
      }
    }
  }

  /** Issues a command that returns a descriptor. */
  static Fd open(int command, String what) {
    int result = call(command);
    if (result < 0) {
      throw Errno.failure(what, -result);
    }
    return new Fd(result);
  }

  /** Pins a map, program or link; the file must not exist. */
  public static void pin(Fd fd, Path path) {
    NativeBuffer name = NativeBuffer.of(path.toString());
    ByteBuffer attr = attr();
    attr.putLong(0, name.address()).putInt(8, fd.number());
    check(call(OBJ_PIN), "pin " + path);
    Reference.reachabilityFence(name);
  }

  /** Opens what is pinned. */
  public static Fd get(Path path) {
    return find(path)
        .orElseThrow(() -> Errno.failure("open the pinned object " + path, Errno.ENOENT));
  }

  /** Opens what is pinned; empty if nothing is. */
  public static Optional<Fd> find(Path path) {
    NativeBuffer name = NativeBuffer.of(path.toString());
    attr().putLong(0, name.address());
    int result = call(OBJ_GET);
    Reference.reachabilityFence(name);
    if (result == -Errno.ENOENT) {
      return Optional.empty();
    }
    check(result, "open the pinned object " + path);
    return Optional.of(new Fd(result));
  }

  /** Opens a program by its ID; empty if it is gone. */
  public static Optional<Fd> programById(int id) {
    return byId(PROG_GET_FD_BY_ID, id, "program");
  }

  /** Opens a map by its ID; empty if it is gone. */
  public static Optional<Fd> mapById(int id) {
    return byId(MAP_GET_FD_BY_ID, id, "map");
  }

  /** Opens a link by its ID; empty if it is gone. */
  public static Optional<Fd> linkById(int id) {
    return byId(LINK_GET_FD_BY_ID, id, "link");
  }

  /** Opens BTF by its ID; empty if it is gone. */
  public static Optional<Fd> btfById(int id) {
    return byId(BTF_GET_FD_BY_ID, id, "BTF");
  }

  private static Optional<Fd> byId(int command, int id, String kind) {
    attr().putInt(0, id);
    int result = call(command);
    if (result == -Errno.ENOENT) {
      return Optional.empty();
    }
    check(result, "open " + kind + " " + id);
    return Optional.of(new Fd(result));
  }

  /**
   * Asks what the kernel knows of a descriptor.
   *
   * @param info filled in; may carry pointers to further buffers
   */
  static void info(Fd fd, NativeBuffer info, String what) {
    ByteBuffer attr = attr();
    attr.putInt(0, fd.number()).putInt(4, info.size()).putLong(8, info.address());
    check(call(OBJ_GET_INFO_BY_FD), "query " + what);
  }

  static void check(int result, String what) {
    if (result < 0) {
      throw Errno.failure(what, -result);
    }
  }
}
