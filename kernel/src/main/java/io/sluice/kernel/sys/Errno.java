// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.sys;

import io.sluice.kernel.bpf.KernelException;

/** Error numbers that callers tell apart, and their texts. */
public final class Errno {
  public static final int EPERM = 1;
  public static final int ENOENT = 2;
  public static final int ESRCH = 3;
  public static final int EINTR = 4;
  public static final int E2BIG = 7;
  public static final int EAGAIN = 11;
  public static final int ENOMEM = 12;
  public static final int EACCES = 13;
  public static final int EFAULT = 14;
  public static final int EBUSY = 16;
  public static final int EEXIST = 17;
  public static final int ENODEV = 19;
  public static final int EINVAL = 22;
  public static final int ENOSPC = 28;
  public static final int EROFS = 30;
  public static final int ENOLINK = 67;
  public static final int EMSGSIZE = 90;
  public static final int EOPNOTSUPP = 95;
  public static final int EADDRNOTAVAIL = 99;
  public static final int ENOBUFS = 105;
  public static final int ESTALE = 116;

  /** The kernel's own, unknown to the C library, and yet returned for BPF maps without batches. */
  public static final int ENOTSUPP = 524;

  private Errno() {}

  /** Name and text, as in "EEXIST (File exists)". */
  public static String describe(int errno) {
    if (errno == ENOTSUPP) {
      return "ENOTSUPP (Operation not supported by this kernel)";
    }
    String name = Libc.get().strerrorname_np(errno);
    return name == null ? "error " + errno : name + " (" + Libc.get().strerrordesc_np(errno) + ")";
  }

  /** An exception that says what was asked and what the kernel answered. */
  public static KernelException failure(String what, int errno) {
    String advice =
        switch (errno) {
          case EPERM, EACCES -> "run as root, or grant the capabilities that sluice check names";
          default -> "";
        };
    return failure(what, errno, advice);
  }

  /**
   * An exception that also says what the kernel, or we, know about the cause.
   *
   * @param why more about the cause, or what to do about it; may be empty
   */
  public static KernelException failure(String what, int errno, String why) {
    return new KernelException(what, errno, describe(errno) + (why.isEmpty() ? "" : ": " + why));
  }
}
