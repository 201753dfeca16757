// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.dump;

import java.util.List;

/** Rows of the tables other than conntrack's. Addresses with ports are {@code address:port}. */
public final class Rows {
  private Rows() {}

  /**
   * One backend of one frontend; a frontend without backends has one row with an empty backend.
   *
   * @param kind how the frontend came to be: {@code cluster_ip}, {@code external_ip}, {@code
   *     load_balancer}, {@code node_port}
   * @param flags {@code local}: only this node's backends, for a cluster IP whoever asks, else for
   *     who asks from outside; {@code source_ranges}: for some clients only
   * @param serviceId the ID in the maps
   * @param backendId likewise; 0 if there is none
   * @param state {@code live}, {@code removed}, or {@code refuses} without backends
   * @param cluster how often the backend is in the cluster's window, which any client may get
   * @param local likewise, in the window of this node's own
   * @param here whether it is on this node
   */
  public record Nat(
      String protocol,
      String frontend,
      String kind,
      List<String> flags,
      String service,
      int serviceId,
      String backend,
      int backendId,
      String state,
      int cluster,
      int local,
      boolean here) {}

  /**
   * Which backend a client had last.
   *
   * @param ageSeconds since its last new flow
   * @param expiresSeconds until it may get another; 0: it may now
   * @param state {@code live}, {@code dead}: the backend is gone, or {@code expired}: each but the
   *     first is a miss
   */
  public record AffinityEntry(
      String client,
      String service,
      int serviceId,
      String backend,
      int backendId,
      double ageSeconds,
      double expiresSeconds,
      String state) {}

  /**
   * @param cidr the destination
   * @param flags such as {@code workload,local}
   * @param device the local workload's interface; empty if it is not one
   * @param nextHop the remote workload's node; empty if it is not one
   */
  public record RouteEntry(String cidr, String flags, String device, String nextHop) {}

  /**
   * @param state flags such as {@code configured,workload,ready4}
   * @param policyIn slot of the pod's egress policy (host-ingress)
   * @param policyOut slot of the pod's ingress policy (host-egress)
   * @param attached {@code tcx}, {@code clsact}, or empty if no program is there
   */
  public record Interface(
      int ifindex,
      String name,
      String state,
      int policyIn,
      int policyOut,
      String ipv4,
      String ipv6,
      String attached) {}

  /**
   * @param hook {@code in} or {@code out} of the host's namespace
   * @param verdict {@code pass} or {@code drop}
   */
  public record CounterEntry(
      String hook, String reason, String verdict, long packets, long bytes) {}

  /**
   * One backend of one Maglev table; a table without backends has one row with an empty backend.
   *
   * @param family 4 or 6
   * @param generation that the cluster gave
   * @param size slots of the table
   * @param slots those of this backend
   * @param formerSlots those that led to this backend before they moved, and remember it
   * @param sharePercent of the slots
   * @param deviationPercent of the share, from what it would be if all backends had the same
   * @param state {@code live}, {@code removed}, {@code former} if only slots that moved know it, or
   *     {@code refuses} without backends
   * @param digest of the table, as it is in the kernel; the same on all nodes of one generation
   */
  public record Maglev(
      String service,
      int serviceId,
      String protocol,
      int family,
      List<String> frontends,
      long generation,
      int size,
      String backend,
      int slots,
      int formerSlots,
      double sharePercent,
      double deviationPercent,
      String state,
      String digest) {}

  /**
   * What one node runs of one Maglev table, as it has told the cluster.
   *
   * @param node empty: nobody answers for the table
   * @param generation that the node runs; 0: none
   * @param agreed generation that the cluster has agreed on
   * @param state {@link #CURRENT}, {@code behind}, {@code differs}, or {@link #NO_ANSWER}
   */
  public record MaglevNode(
      String service,
      String protocol,
      int family,
      String node,
      long generation,
      long agreed,
      String digest,
      String state) {
    public static final String CURRENT = "current";
    public static final String NO_ANSWER = "no answer";
  }

  /**
   * Limits of one direction of an interface's workload, and what of them is used. 0: no limit.
   *
   * @param name of the interface
   * @param direction {@code ingress}: what the workload gets; {@code egress}: what it sends
   * @param rate packets a second
   * @param burst packets
   * @param tokens packets that were left when the last one came
   * @param bandwidth bits a second
   * @param bandwidthBurst bits
   * @param shaper who keeps the bandwidth: {@code tbf}, a queueing discipline, or {@code programs},
   *     by dropping; empty: nobody has to
   * @param connections TCP connections that are open
   * @param limit of them
   * @param dscp of what leaves the cluster; empty: as the workload has set it
   * @param rateDrops packets that were too many
   * @param bandwidthDrops packets that were too much
   * @param refused connections that were too many
   */
  public record QosEntry(
      String name,
      String direction,
      int rate,
      int burst,
      double tokens,
      long bandwidth,
      long bandwidthBurst,
      String shaper,
      int connections,
      long limit,
      String dscp,
      long rateDrops,
      long bandwidthDrops,
      long refused) {}

  /** The names of all tables. */
  public static final List<String> TABLES =
      List.of("conntrack", "nat", "affinity", "maglev", "routes", "ifstate", "qos", "counters");

  /** The table of {@link ServiceRow}, which {@code sluice svc} shows. */
  public static final String SERVICES = "services";

  /** The table of {@link MaglevNode}, which only an agent has. */
  public static final String MAGLEV_NODES = "maglev-nodes";
}
