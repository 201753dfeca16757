// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.dump;

import java.util.List;

/** Rows of the tables other than conntrack's. Addresses with ports are {@code address:port}. */
public final class Rows {
  private Rows() {}

  /**
   * One backend of one frontend; a frontend without backends has one row with an empty backend.
   *
   * @param kind how the frontend came to be, such as {@code cluster_ip}
   * @param serviceId the ID in the maps
   * @param backendId likewise; 0 if there is none
   * @param state {@code live}, {@code removed}, or {@code refuses} without backends
   */
  public record Nat(
      String protocol,
      String frontend,
      String kind,
      String service,
      int serviceId,
      String backend,
      int backendId,
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

  /** The names of all tables. */
  public static final List<String> TABLES =
      List.of("conntrack", "nat", "routes", "ifstate", "counters");
}
