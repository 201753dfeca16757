// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode.harness;

/** Something that {@link Faults} broke. It is mended at the end of the test at the latest. */
public final class Fault implements AutoCloseable {
  private final String what;
  private final Runnable mending;
  private boolean mended;

  Fault(String what, Runnable mending) {
    this.what = what;
    this.mending = mending;
  }

  /** Makes it whole again, without waiting for what follows from it; again: nothing. */
  public synchronized void heal() {
    if (!mended) {
      mending.run();
      mended = true;
    }
  }

  /** The same as {@link #heal}. */
  @Override
  public void close() {
    heal();
  }

  @Override
  public String toString() {
    return what;
  }
}
