// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.settings;

import io.sluice.config.model.Cidr;
import io.sluice.config.model.Protocol;
import java.util.Optional;

/**
 * A port of the host that no policy closes.
 *
 * @param net the peers it holds for; empty: all
 */
public record FailsafePort(Protocol protocol, Optional<Cidr> net, int port) {
  @Override
  public String toString() {
    String prefix = net.map(n -> n.address().isIpv6() ? "[" + n + "]:" : n + ":").orElse("");
    return protocol.name().toLowerCase(java.util.Locale.ROOT) + ":" + prefix + port;
  }
}
