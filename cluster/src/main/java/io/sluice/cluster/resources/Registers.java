// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.resources;

import java.util.Optional;
import java.util.concurrent.CompletionStage;

/**
 * Named values that a majority keeps, each written by whoever knows its revision. Of two who write
 * the same revision one succeeds. A write that fails may have taken effect, or may do so yet.
 */
interface Registers {
  /**
   * @param revision 0: it was never written
   */
  record Found(long revision, Optional<byte[]> value) {}

  CompletionStage<Found> get(String id);

  /**
   * @param revision one more than what was found or written last
   */
  CompletionStage<?> put(String id, long revision, byte[] value);
}
