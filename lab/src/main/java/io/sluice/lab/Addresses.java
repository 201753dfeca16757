// SPDX-License-Identifier: Apache-2.0
package io.sluice.lab;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;

/**
 * Who has which address and interface. The numbers of nodes and pods appear in decimal in both
 * families, so that 10.244.12.3 and fd00:244:12::3 are one pod.
 */
public final class Addresses {
  /** All pods. */
  public static final String POD_POOL4 = "10.244.0.0/16";

  public static final String POD_POOL6 = "fd00:244::/32";

  /** Where services have their addresses. */
  public static final String SERVICE_CIDR4 = "10.96.0.0/12";

  public static final String SERVICE_CIDR6 = "fd00:96::/112";

  /** Addresses of load balancers, which the router spreads over the nodes, unless told others. */
  public static final String BALANCER_CIDR4 = "203.0.113.0/24";

  public static final String BALANCER_CIDR6 = "fd00:203::/112";

  /** The first client outside. */
  public static final String CLIENT4 = "192.168.99.2";

  public static final String CLIENT6 = "fd00:99::2";

  /** What a pod's default routes point at; the agent makes the host side answer for both. */
  static final String POD_GATEWAY4 = "169.254.1.1";

  static final String POD_GATEWAY6 = "fe80::ecee:eeff:feee:eeee";

  /** Of the host side of every pod's veth pair. */
  static final String HOST_SIDE_MAC = "ee:ee:ee:ee:ee:ee";

  /** The interface of nodes, pods and the client. */
  public static final String INTERFACE = "eth0";

  private static final int FIRST_POD = 2;

  private Addresses() {}

  /** A client's address. */
  public static String client4(Topology.Client client) {
    return clientSubnet4(client) + "2";
  }

  public static String client6(Topology.Client client) {
    return clientSubnet6(client) + "2";
  }

  static String clientGateway4(Topology.Client client) {
    return clientSubnet4(client) + "1";
  }

  static String clientGateway6(Topology.Client client) {
    return clientSubnet6(client) + "1";
  }

  private static String clientSubnet4(Topology.Client client) {
    return "192.168." + (100 - client.number()) + ".";
  }

  private static String clientSubnet6(Topology.Client client) {
    return client.number() == 1 ? "fd00:99::" : "fd00:99:" + client.number() + "::";
  }

  /** A node's own address on the underlay. */
  public static String node4(Topology.Node node) {
    return "192.168." + (100 + node.number()) + ".2";
  }

  public static String node6(Topology.Node node) {
    return "fd00:100:" + node.number() + "::2";
  }

  static String nodeGateway4(Topology.Node node) {
    return "192.168." + (100 + node.number()) + ".1";
  }

  static String nodeGateway6(Topology.Node node) {
    return "fd00:100:" + node.number() + "::1";
  }

  /** Where a node's pods have their addresses. */
  public static String podCidr4(Topology.Node node) {
    return "10.244." + node.number() + ".0/24";
  }

  public static String podCidr6(Topology.Node node) {
    return "fd00:244:" + node.number() + "::/64";
  }

  /** A pod's address: by its place among the pods of its node, from .2. */
  public static String pod4(Topology topology, Topology.Pod pod) {
    Topology.Node node = topology.node(pod.node());
    return "10.244." + node.number() + "." + place(topology, node, pod);
  }

  public static String pod6(Topology topology, Topology.Pod pod) {
    Topology.Node node = topology.node(pod.node());
    return "fd00:244:" + node.number() + "::" + place(topology, node, pod);
  }

  /** The host side of a pod's veth pair: cali and 11 hex digits of SHA-1("namespace.pod"). */
  public static String hostInterface(Topology.Pod pod) {
    try {
      byte[] hash =
          MessageDigest.getInstance("SHA-1")
              .digest((pod.namespace() + "." + pod.name()).getBytes(StandardCharsets.UTF_8));
      return "cali" + HexFormat.of().formatHex(hash).substring(0, 11);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-1", e);
    }
  }

  /** A pod's own MAC address: locally administered, by node and place. */
  static String podMac(Topology topology, Topology.Pod pod) {
    Topology.Node node = topology.node(pod.node());
    return String.format("02:00:00:00:%02x:%02x", node.number(), place(topology, node, pod));
  }

  private static int place(Topology topology, Topology.Node node, Topology.Pod pod) {
    List<Topology.Pod> pods = topology.podsOf(node);
    // By its name: the same pod may be described by other labels meanwhile.
    int place = 0;
    while (!pods.get(place).id().equals(pod.id())) {
      place++;
    }
    return FIRST_POD + place;
  }
}
