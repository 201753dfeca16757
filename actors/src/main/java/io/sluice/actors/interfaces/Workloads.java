// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.interfaces;

import io.sluice.actors.host.Addresses;
import io.sluice.actors.limits.Limits;
import io.sluice.actors.limits.Limits.Network;
import io.sluice.config.model.Cidr;
import io.sluice.config.model.IpAddress;
import io.sluice.config.model.Pod;
import io.sluice.config.model.QosControls;
import io.sluice.config.model.Resource;
import io.sluice.config.model.ResourceKey;
import io.sluice.config.model.WorkloadEndpoint;
import io.sluice.config.source.Snapshot;
import io.sluice.kernel.layout.Ip;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Which workloads run on this node, and on which interfaces. Pure.
 *
 * <p>A WorkloadEndpoint says all; a Pod without one is taken to be on the interface that Calico's
 * CNI plugin would have made for it. What two workloads claim stays with the one that had it in the
 * view before, else with the older one; the other is refused whole, so that it has no network
 * rather than somebody else's.
 *
 * @param byNic those that are to be set up, by interface
 * @param refusals one line for each that is not
 */
public record Workloads(SortedMap<String, Workload> byNic, List<String> refusals) {
  /** None. */
  public static final Workloads NONE = new Workloads(new TreeMap<>(), List.of());

  private static final int NIC_NAME_MAX = 15;
  private static final int HASH_DIGITS = 11;

  public Workloads {
    refusals = List.copyOf(refusals);
  }

  /**
   * @param nodeName this node
   * @param before the view so far
   */
  public static Workloads of(
      Snapshot snapshot, String nodeName, InterfaceSettings settings, Workloads before) {
    Builder builder = new Builder(settings);
    List<Resource> claims = new ArrayList<>();
    Set<String> podsOfEndpoints = new HashSet<>();
    for (WorkloadEndpoint endpoint : snapshot.all(WorkloadEndpoint.class)) {
      podsOfEndpoints.add(endpoint.meta().namespace() + "/" + endpoint.pod());
      if (endpoint.node().equals(nodeName)) {
        claims.add(endpoint);
      }
    }
    for (Pod pod : snapshot.all(Pod.class)) {
      boolean here = pod.nodeName().equals(nodeName) && !pod.hostNetwork() && !pod.finished();
      if (here && !pod.podIps().isEmpty() && !podsOfEndpoints.contains(pod.key().path())) {
        claims.add(pod);
      }
    }
    claims.sort(seniority(before));
    claims.forEach(builder::claim);
    return new Workloads(builder.byNic, builder.refusals);
  }

  private static Comparator<Resource> seniority(Workloads before) {
    Set<ResourceKey> held =
        before.byNic.values().stream().map(Workload::owner).collect(Collectors.toSet());
    return Comparator.<Resource, Boolean>comparing(claim -> !held.contains(claim.key()))
        .thenComparing(claim -> claim.meta().creationTimestamp().orElse(Instant.MAX))
        .thenComparing(Resource::key);
  }

  /** The addresses of all of them. */
  public Set<Ip> addresses() {
    return byNic.values().stream()
        .flatMap(workload -> workload.addresses().stream())
        .collect(Collectors.toSet());
  }

  /**
   * The name that Calico's CNI plugin gives the host side of a pod's link: the prefix and the
   * beginning of the SHA-1 of {@code namespace.pod}.
   */
  public static String conventionalNic(String prefix, String namespace, String pod) {
    try {
      byte[] hash =
          MessageDigest.getInstance("SHA-1")
              .digest((namespace + "." + pod).getBytes(StandardCharsets.UTF_8));
      return prefix + HexFormat.of().formatHex(hash).substring(0, HASH_DIGITS);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-1", e);
    }
  }

  private static final class Builder {
    private final InterfaceSettings settings;
    private final SortedMap<String, Workload> byNic = new TreeMap<>();
    private final Map<Ip, Workload> byAddress = new HashMap<>();
    private final List<String> refusals = new ArrayList<>();

    Builder(InterfaceSettings settings) {
      this.settings = settings;
    }

    void claim(Resource resource) {
      if (resource instanceof WorkloadEndpoint endpoint) {
        List<IpAddress> addresses = endpoint.ipNetworks().stream().map(Cidr::address).toList();
        add(
            endpoint.key(),
            endpoint.interfaceName().isEmpty()
                ? conventionalNic(endpoint.meta().namespace(), endpoint.pod())
                : endpoint.interfaceName(),
            addresses,
            endpoint.allowedSources(),
            endpoint.qos());
      } else if (resource instanceof Pod pod) {
        add(
            pod.key(),
            conventionalNic(pod.meta().namespace(), pod.meta().name()),
            pod.podIps(),
            pod.allowedSources(),
            pod.qos());
      }
    }

    private String conventionalNic(String namespace, String pod) {
      return Workloads.conventionalNic(settings.prefixes().get(0), namespace, pod);
    }

    private boolean anySource(List<Ip> addresses, Set<Network> allowed) {
      return !allowed.isEmpty()
          && addresses.stream()
              .map(Ip::family)
              .allMatch(family -> allowed.contains(new Network(Ip.any(family), 0)));
    }

    private Set<Network> granted(ResourceKey owner, List<Cidr> allowed) {
      if (!allowed.isEmpty() && !settings.anySource()) {
        refusals.add(
            owner
                + ": other source addresses than its own are not granted: workloadSourceSpoofing"
                + " is Disabled");
        return Set.of();
      }
      return allowed.stream()
          .map(cidr -> new Network(Addresses.ip(cidr.address()), cidr.prefix()))
          .collect(Collectors.toUnmodifiableSet());
    }

    private void add(
        ResourceKey owner,
        String nic,
        List<IpAddress> addresses,
        List<Cidr> allowedSources,
        QosControls qos) {
      List<Ip> ips = addresses.stream().map(Addresses::ip).toList();
      Set<Network> sources = granted(owner, allowedSources);
      boolean any = anySource(ips, sources);
      Limits limits = new Limits(any ? Set.of() : sources, qos);
      Workload workload = new Workload(owner, nic, ips, any, limits);
      String refusal = refusal(workload);
      if (refusal != null) {
        refusals.add(owner + ": " + refusal);
        return;
      }
      byNic.put(nic, workload);
      ips.forEach(address -> byAddress.put(address, workload));
    }

    private String refusal(Workload workload) {
      String nic = workload.nic();
      if (nic.length() > NIC_NAME_MAX || !settings.isWorkload(nic)) {
        return "interface \""
            + nic
            + "\" is none of a workload: its name must begin with "
            + String.join(" or ", settings.prefixes())
            + " (interfacePrefix) and have at most 15 bytes";
      }
      if (workload.addresses().isEmpty()) {
        return "it has no address";
      }
      Workload other = byNic.get(nic);
      if (other != null) {
        return "interface " + nic + " is " + other.owner() + "'s, which is older";
      }
      for (Ip address : workload.addresses()) {
        if (byAddress.containsKey(address)) {
          return "address "
              + address
              + " is "
              + byAddress.get(address).owner()
              + "'s, which is older";
        }
      }
      return null;
    }
  }
}
