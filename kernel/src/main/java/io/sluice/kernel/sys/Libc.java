// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.sys;

import io.sluice.kernel.bpf.KernelException;
import java.nio.ByteBuffer;
import jnr.ffi.LastError;
import jnr.ffi.LibraryLoader;
import jnr.ffi.types.size_t;
import jnr.ffi.types.ssize_t;
import jnr.ffi.types.u_int64_t;

/**
 * The C library's system calls that the bindings of this module share. The methods return what C
 * returns: -1 on failure, with the reason in {@link #errno()} until the thread's next call. Wrap a
 * call into {@link #check} to get a {@link KernelException} instead.
 *
 * <p>Buffers are passed from their position on, heap buffers by copying their remaining bytes in
 * and out. Their position does not move.
 */
public interface Libc {
  /** The one instance; loading is thread-safe and happens once. */
  static Libc get() {
    return Holder.LIBC;
  }

  /** The calling thread's errno, as the last call through jnr-ffi left it. */
  static int errno() {
    return LastError.getLastError(Holder.RUNTIME);
  }

  /**
   * Turns a failed call's -1 into an exception.
   *
   * @param what what was asked, for people: "open /proc/sys/net/ipv4/ip_forward"
   * @param result what the call returned
   * @return the result, if it is not negative
   */
  static long check(String what, long result) {
    if (result < 0) {
      throw Errno.failure(what, errno());
    }
    return result;
  }

  int open(String path, int flags, int mode);

  int close(int fd);

  @ssize_t
  long read(int fd, ByteBuffer buffer, @size_t long length);

  @ssize_t
  long write(int fd, ByteBuffer buffer, @size_t long length);

  int socket(int domain, int type, int protocol);

  int bind(int fd, ByteBuffer address, int length);

  int setsockopt(int fd, int level, int option, ByteBuffer value, int length);

  @ssize_t
  long send(int fd, ByteBuffer buffer, @size_t long length, int flags);

  @ssize_t
  long recv(int fd, ByteBuffer buffer, @size_t long length, int flags);

  int poll(ByteBuffer pollfds, @u_int64_t long count, int timeoutMillis);

  int memfd_create(String name, int flags);

  int eventfd(int initial, int flags);

  int setns(int fd, int type);

  int mount(String source, String target, String type, @u_int64_t long flags, String options);

  int umount2(String target, int flags);

  int statfs(String path, ByteBuffer result);

  int fcntl(int fd, int command, long argument);

  int flock(int fd, int operation);

  /** A system call without a wrapper; addresses are longs. */
  long syscall(long number, long a, long b, long c);

  /** Formats a native argument list, at native addresses. */
  int vsnprintf(long buffer, @size_t long size, long format, long arguments);

  String strerrorname_np(int errno);

  String strerrordesc_np(int errno);

  /** Loads the library when it is first asked for. */
  final class Holder {
    private static final Libc LIBC = LibraryLoader.create(Libc.class).load("libc.so.6");
    private static final jnr.ffi.Runtime RUNTIME = jnr.ffi.Runtime.getRuntime(LIBC);

    private Holder() {}
  }
}
