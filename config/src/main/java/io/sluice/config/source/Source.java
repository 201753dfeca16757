// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.source;

/**
 * Delivers resources. It tells its listener everything it knows after each change, never a
 * difference, so that nothing can be missed.
 */
public interface Source extends AutoCloseable {
  /** Takes what a source delivers. */
  @FunctionalInterface
  interface Listener {
    /**
     * The complete view has changed. Called by one thread at a time, in the order of the snapshots'
     * versions; must not block for long.
     */
    void changed(Snapshot snapshot);
  }

  /**
   * Begins to deliver. The first snapshot follows soon in any case; it is not {@link
   * Snapshot#inSync()} where the source cannot be read.
   *
   * @throws IllegalStateException if it was started before
   */
  void start(Listener listener);

  /** Ends delivery; the listener is not called afterwards. */
  @Override
  void close();
}
