// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.bpf;

/** The kernel said no: what was asked, of what, and the errno it gave. */
public class KernelException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final int errno;

  /**
   * @param what what was asked of the kernel, for people: "update map services"
   * @param errno the positive error number
   * @param explanation the errno's name and text, and what to do about it
   */
  public KernelException(String what, int errno, String explanation) {
    super(what + ": " + explanation);
    this.errno = errno;
  }

  /** The positive error number. */
  public int errno() {
    return errno;
  }
}
