// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.bpf;

import io.sluice.kernel.sys.Errno;
import io.sluice.kernel.sys.Libc;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A file descriptor with one owner. Thread-safe; closing twice is harmless, using it afterwards is
 * an {@link IllegalStateException} and never another file's descriptor.
 */
public final class Fd implements AutoCloseable {
  private static final int F_DUPFD_CLOEXEC = 1030;

  private final AtomicInteger number;

  /** Takes ownership of an open descriptor. */
  public Fd(int number) {
    if (number < 0) {
      throw new IllegalArgumentException("not a file descriptor: " + number);
    }
    this.number = new AtomicInteger(number);
  }

  public int number() {
    int open = number.get();
    if (open < 0) {
      throw new IllegalStateException("file descriptor is closed");
    }
    return open;
  }

  /** Another descriptor of the same thing, with an owner of its own. */
  public Fd duplicate() {
    return duplicate(number());
  }

  /** A descriptor of our own for what somebody else's stands for. */
  static Fd duplicate(int number) {
    int copy = Libc.get().fcntl(number, F_DUPFD_CLOEXEC, 3);
    if (copy < 0) {
      throw Errno.failure("duplicate a file descriptor", Libc.errno());
    }
    return new Fd(copy);
  }

  @Override
  public void close() {
    int open = number.getAndSet(-1);
    if (open >= 0) {
      Libc.get().close(open);
    }
  }
}
