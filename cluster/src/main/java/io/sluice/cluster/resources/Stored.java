// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.resources;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;

/**
 * A resource as it is kept: what its author wrote, and what the store adds.
 *
 * @param version of the commit that changed it last, its resourceVersion
 * @param created µs since 1970; no two resources have the same
 * @param body the manifest as {@link Documents} writes it, without what the store adds
 * @param claims what no other resource may have: a service's frontends
 */
record Stored(long version, String uid, long created, String body, List<String> claims) {
  Stored {
    claims = List.copyOf(claims);
  }

  Instant createdAt() {
    return Instant.EPOCH.plus(created, ChronoUnit.MICROS);
  }

  /** The whole manifest, with what the store adds behind the name. */
  String json(Ref ref) {
    int at = body.indexOf(Documents.METADATA) + Documents.METADATA.length();
    at += Documents.names(ref.namespace(), ref.name()).length();
    return body.substring(0, at)
        + ",\"uid\":\""
        + uid
        + "\",\"resourceVersion\":\""
        + version
        + "\",\"creationTimestamp\":\""
        + createdAt()
        + "\""
        + body.substring(at);
  }

  /** How much of the store's room it takes; bytes, roughly. */
  int size() {
    return body.length() + 200;
  }
}
