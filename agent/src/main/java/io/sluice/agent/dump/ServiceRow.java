// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.dump;

import java.util.List;

/**
 * One port of one service in one family, with all that belongs to it.
 *
 * @param service {@code namespace/name:port}; a number if nobody knows the name
 * @param serviceId the ID in the maps
 * @param protocol such as {@code tcp}; empty without frontends
 * @param family 4 or 6
 * @param algorithm how a new flow gets its backend: {@code random}, or {@code maglev} for flows
 *     from outside, but by node ports
 * @param affinity such as {@code ClientIP 3h}; empty: none
 * @param affinitySeconds likewise; 0: none
 * @param clusterWindow elements of the window that any client may get
 * @param localWindow likewise, of this node's own
 */
public record ServiceRow(
    String service,
    int serviceId,
    String protocol,
    int family,
    List<FrontendRow> frontends,
    String algorithm,
    String affinity,
    int affinitySeconds,
    int clusterWindow,
    int localWindow,
    List<BackendRow> backends) {
  public ServiceRow {
    frontends = List.copyOf(frontends);
    backends = List.copyOf(backends);
  }

  /** Kind and flags as in {@link Rows.Nat}. */
  public record FrontendRow(String address, String kind, List<String> flags) {}

  /**
   * @param state {@code ready}, {@code terminating}, {@code unready} (published all the same),
   *     {@code dead}: no longer a backend, but flows remember it; or, if only the kernel is known,
   *     {@code live}
   * @param node where it lives; an address if nobody knows the name, empty for none of the
   *     cluster's
   * @param here whether that is this node
   * @param cluster its elements in the cluster's window
   * @param local its elements in the window of this node's own
   * @param hits entries of conntrack that have it now
   */
  public record BackendRow(
      String address,
      int backendId,
      String state,
      String node,
      boolean here,
      int cluster,
      int local,
      long hits) {}
}
