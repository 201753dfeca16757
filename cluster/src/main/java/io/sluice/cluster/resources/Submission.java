// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.resources;

import java.util.List;

/**
 * A request that has been found valid: all of it is done, or nothing.
 *
 * @param id drawn at random; a request that comes twice is done once
 * @param dryRun says what would be done, and does nothing
 */
record Submission(String id, boolean dryRun, List<Item> items) {
  Submission {
    items = List.copyOf(items);
  }

  /**
   * One resource of a request; a request names it once.
   *
   * @param expected the version that it must have; 0: any
   * @param body as in {@link Stored#body()}; empty: it is to be deleted
   * @param claims as in {@link Stored#claims()}
   */
  record Item(Ref ref, long expected, String body, List<String> claims) {
    Item {
      claims = List.copyOf(claims);
    }

    boolean deletes() {
      return body.isEmpty();
    }
  }
}
