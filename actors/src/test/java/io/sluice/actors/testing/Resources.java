// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.testing;

import io.sluice.config.model.Cidr;
import io.sluice.config.model.IpAddress;
import io.sluice.config.model.IpPool;
import io.sluice.config.model.Node;
import io.sluice.config.model.ObjectMeta;
import io.sluice.config.model.Pod;
import io.sluice.config.model.QosControls;
import io.sluice.config.model.Resource;
import io.sluice.config.model.ResourceKey;
import io.sluice.config.model.WorkloadEndpoint;
import io.sluice.config.source.Snapshot;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Resources as a source would deliver them. */
public final class Resources {
  private Resources() {}

  public static Snapshot snapshot(boolean inSync, Resource... all) {
    TreeMap<ResourceKey, Resource> resources = new TreeMap<>();
    for (Resource resource : all) {
      resources.put(resource.key(), resource);
    }
    return new Snapshot(1, inSync, resources, Map.of(), Map.of(), List.of(), List.of(), List.of());
  }

  public static Node node(String name, String address, String... podCidrs) {
    return new Node(
        ObjectMeta.of("", name),
        List.of(new Node.NodeAddress(Node.AddressType.INTERNAL_IP, IpAddress.parse(address))),
        Arrays.stream(podCidrs).map(Cidr::parse).toList());
  }

  /** A node with several addresses and pod networks. */
  public static Node node(String name, List<String> addresses, List<String> podCidrs) {
    return new Node(
        ObjectMeta.of("", name),
        addresses.stream()
            .map(IpAddress::parse)
            .map(ip -> new Node.NodeAddress(Node.AddressType.INTERNAL_IP, ip))
            .toList(),
        podCidrs.stream().map(Cidr::parse).toList());
  }

  public static IpPool pool(String name, String cidr, boolean natOutgoing) {
    return pool(name, cidr, IpPool.VxlanMode.NEVER, natOutgoing);
  }

  public static IpPool pool(String name, String cidr, IpPool.VxlanMode mode, boolean natOutgoing) {
    return new IpPool(
        ObjectMeta.of("", name), Cidr.parse(cidr), mode, natOutgoing, false, "all()", 26);
  }

  public static Pod pod(String name, String node, String... addresses) {
    return pod(ObjectMeta.of("default", name), node, addresses);
  }

  public static Pod pod(ObjectMeta meta, String node, String... addresses) {
    return new Pod(
        meta,
        node,
        false,
        Arrays.stream(addresses).map(IpAddress::parse).toList(),
        List.of(),
        "default",
        false,
        List.of(),
        QosControls.NONE);
  }

  public static WorkloadEndpoint endpoint(
      String name, String node, String nic, String... addresses) {
    return endpoint(ObjectMeta.of("default", name), node, nic, List.of(), addresses);
  }

  public static WorkloadEndpoint endpoint(
      ObjectMeta meta, String node, String nic, List<String> allowedSources, String... addresses) {
    return endpoint(meta, node, nic, allowedSources, QosControls.NONE, addresses);
  }

  public static WorkloadEndpoint endpoint(
      ObjectMeta meta,
      String node,
      String nic,
      List<String> allowedSources,
      QosControls qos,
      String... addresses) {
    return new WorkloadEndpoint(
        meta,
        node,
        "k8s",
        "",
        meta.name(),
        "eth0",
        nic,
        Arrays.stream(addresses).map(Cidr::parseNetwork).toList(),
        List.of(),
        "",
        List.of(),
        List.of(),
        "",
        allowedSources.stream().map(Cidr::parse).toList(),
        qos);
  }
}
