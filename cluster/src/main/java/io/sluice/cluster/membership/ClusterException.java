// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.membership;

import io.sluice.cluster.tls.TlsException;
import io.sluice.config.settings.ClusterKeys;

/** Why this node cannot take part in a cluster; the message is one line that says what to do. */
public final class ClusterException extends RuntimeException {
  private static final long serialVersionUID = 1;

  private ClusterException(String message, Throwable cause) {
    super(message, cause);
  }

  static ClusterException of(TlsException e) {
    return new ClusterException("cluster.tls: " + e.getMessage(), e);
  }

  static ClusterException of(ClusterKeys keys, Throwable cause) {
    Throwable root = cause;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    String reason = String.valueOf(root.getMessage()).replaceAll("\\s+", " ");
    return new ClusterException(
        "cannot listen for other nodes on %s:%d (cluster.host, cluster.port): %s"
            .formatted(ClusterConfig.bracketed(keys.host()), keys.port(), reason),
        cause);
  }
}
