// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.dump;

import io.sluice.agent.dump.Rows.Nat;
import io.sluice.kernel.dataplane.Dataplane;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Frontend;
import io.sluice.kernel.layout.FrontendFlags;
import io.sluice.kernel.layout.FrontendKey;
import io.sluice.kernel.layout.Service;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Frontends and their backends. */
final class NatDump {
  private static final int KINDS =
      FrontendFlags.FRONTEND_CLUSTER_IP
          | FrontendFlags.FRONTEND_EXTERNAL_IP
          | FrontendFlags.FRONTEND_LOAD_BALANCER
          | FrontendFlags.FRONTEND_NODE_PORT;

  private final Dataplane dataplane;
  private final Names names;
  private final Backends backends;

  NatDump(Dataplane dataplane, Names names) {
    this.dataplane = dataplane;
    this.names = names;
    this.backends = new Backends(dataplane);
  }

  /** How a frontend came to be, such as {@code cluster_ip}. */
  static String kind(int flags) {
    return FrontendFlags.describe(flags & KINDS);
  }

  /** What else is to be known of it. */
  static List<String> flags(int flags) {
    String others = FrontendFlags.describe(flags & ~KINDS);
    return others.isEmpty() ? List.of() : List.of(others.split(","));
  }

  /** Every frontend with its backends. */
  List<Nat> rows() {
    Map<Integer, Service> services = new HashMap<>();
    dataplane.services().forEach(services::put);
    List<Nat> rows = new ArrayList<>();
    for (Family family : Family.values()) {
      Map<Integer, List<Backends.Share>> shares = new HashMap<>();
      dataplane
          .frontends(family)
          .forEach(
              (key, frontend) ->
                  rows.addAll(
                      rowsOf(
                          key,
                          frontend,
                          shares.computeIfAbsent(
                              frontend.service(),
                              id ->
                                  services.containsKey(id)
                                      ? backends.shares(family, id, services.get(id))
                                      : List.of()))));
    }
    rows.sort(Comparator.comparing(Nat::service).thenComparing(Nat::frontend));
    return rows;
  }

  private List<Nat> rowsOf(FrontendKey key, Frontend frontend, List<Backends.Share> shares) {
    List<Nat> rows = new ArrayList<>();
    shares.forEach(share -> rows.add(row(key, frontend, Optional.of(share))));
    if (rows.isEmpty()) {
      rows.add(row(key, frontend, Optional.empty()));
    }
    return rows;
  }

  private Nat row(FrontendKey key, Frontend frontend, Optional<Backends.Share> share) {
    return new Nat(
        FlowRow.protocol(key.proto()),
        FlowRow.endpoint(key.addr(), key.port()),
        kind(frontend.flags()),
        flags(frontend.flags()),
        names.service(frontend.service()),
        frontend.service(),
        share.map(s -> FlowRow.endpoint(s.backend().addr(), s.backend().port())).orElse(""),
        share.map(s -> s.backend().id()).orElse(0),
        share
            .map(s -> backends.isLive(s.backend().id(), s.backend().gen()) ? "live" : "removed")
            .orElse("refuses"),
        share.map(Backends.Share::cluster).orElse(0),
        share.map(Backends.Share::local).orElse(0),
        share.map(Backends.Share::here).orElse(false));
  }
}
