// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.sys;

import io.sluice.kernel.bpf.KernelException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Kernel settings below /proc/sys. Keys are paths ("net/ipv4/conf/eth0/rp_filter"), not dotted
 * names, for names of interfaces may have dots. Those below net belong to the calling thread's
 * network namespace (see {@link Netns}).
 */
public final class Sysctl {
  private static final String ROOT = "/proc/sys/";
  private static final Pattern KEY = Pattern.compile("[^/]+(/[^/]+)+");
  private static final int O_RDONLY_CLOEXEC = 0x80000;
  private static final int O_WRONLY_CLOEXEC = 0x80001;
  private static final int LONGEST = 4096;

  private Sysctl() {}

  /**
   * Reads a setting.
   *
   * @return its value without the line's end; empty if this kernel, or a gone interface, has none
   */
  public static Optional<String> get(String key) {
    String path = path(key);
    int fd = Libc.get().open(path, O_RDONLY_CLOEXEC, 0);
    if (fd < 0 && Libc.errno() == Errno.ENOENT) {
      return Optional.empty();
    }
    Libc.check("read " + path, fd);
    try {
      ByteBuffer buffer = ByteBuffer.allocate(LONGEST);
      long length = Libc.check("read " + path, Libc.get().read(fd, buffer, LONGEST));
      byte[] bytes = new byte[(int) length];
      buffer.get(bytes);
      return Optional.of(new String(bytes, StandardCharsets.UTF_8).strip());
    } finally {
      Libc.get().close(fd);
    }
  }

  /**
   * Writes a setting, unless it has the value already.
   *
   * @return the value before, to restore it
   * @throws KernelException with ENOENT if there is no such setting, EINVAL if it takes no such
   *     value, EROFS or EACCES if it may not be written here
   */
  public static String set(String key, String value) {
    String before = get(key).orElseThrow(() -> Errno.failure("read " + path(key), Errno.ENOENT));
    if (before.equals(value)) {
      return before;
    }
    String what = "write " + value + " to " + path(key);
    int fd = Libc.get().open(path(key), O_WRONLY_CLOEXEC, 0);
    Libc.check(what, fd);
    try {
      byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
      ByteBuffer buffer = ByteBuffer.allocate(bytes.length).put(bytes).flip();
      Libc.check(what, Libc.get().write(fd, buffer, bytes.length));
    } finally {
      Libc.get().close(fd);
    }
    return before;
  }

  private static String path(String key) {
    if (!KEY.matcher(key).matches() || ("/" + key + "/").contains("/../")) {
      throw new IllegalArgumentException("not a key like net/ipv4/ip_forward: " + key);
    }
    return ROOT + key;
  }
}
