// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.policy;

import io.sluice.actors.host.Addresses;
import io.sluice.config.model.Cidr;
import io.sluice.config.model.HostEndpoint;
import io.sluice.config.model.IpAddress;
import io.sluice.config.model.Kind;
import io.sluice.config.model.NetworkSet;
import io.sluice.config.model.ObjectMeta;
import io.sluice.config.model.Pod;
import io.sluice.config.model.Profile;
import io.sluice.config.model.Resource;
import io.sluice.config.model.ResourceKey;
import io.sluice.config.model.WorkloadEndpoint;
import io.sluice.config.selector.Selector;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.policy.Net;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;

/**
 * Reads {@link Item}s off resources: an endpoint's labels are its own, those of its namespace and
 * service account under their prefixes, and those of its profiles, where it has none of that name.
 */
final class ItemReader {
  /** Of a namespace or service account, its name. */
  private static final String NAME_LABEL = "projectcalico.org/name";

  /** The API server gives it to each namespace; manifests mostly leave it out. */
  private static final String METADATA_NAME_LABEL = "kubernetes.io/metadata.name";

  private static final String KUBERNETES = "k8s";

  private ItemReader() {}

  static ResourceKey namespaceKey(String namespace) {
    return new ResourceKey(Kind.NAMESPACE, "", namespace);
  }

  static ResourceKey profileKey(String profile) {
    return new ResourceKey(Kind.PROFILE, "", profile);
  }

  /** The pod that a WorkloadEndpoint is of. */
  static ResourceKey podKey(WorkloadEndpoint endpoint) {
    return new ResourceKey(Kind.POD, endpoint.meta().namespace(), endpoint.pod());
  }

  /** Whether a pod has addresses of its own. A host-network pod's is its node's. */
  static boolean isEndpoint(Pod pod) {
    return !pod.hostNetwork() && !pod.finished() && !pod.podIps().isEmpty();
  }

  /** The resources whose labels an item inherits, whether they exist or not. */
  static Set<ResourceKey> dependencies(Resource resource) {
    Set<ResourceKey> keys = new LinkedHashSet<>();
    String namespace = resource.meta().namespace();
    if (!namespace.isEmpty()) {
      keys.add(namespaceKey(namespace));
    }
    String account = serviceAccount(resource);
    if (!account.isEmpty()) {
      keys.add(new ResourceKey(Kind.SERVICE_ACCOUNT, namespace, account));
    }
    profiles(resource).forEach(profile -> keys.add(profileKey(profile)));
    return keys;
  }

  private static String serviceAccount(Resource resource) {
    if (resource instanceof Pod pod) {
      return pod.serviceAccountName();
    }
    return resource instanceof WorkloadEndpoint endpoint ? endpoint.serviceAccountName() : "";
  }

  private static List<String> profiles(Resource resource) {
    String ofNamespace = Profiles.NAMESPACE_PREFIX + resource.meta().namespace();
    if (resource instanceof Pod pod) {
      return List.of(
          ofNamespace,
          Profiles.SERVICE_ACCOUNT_PREFIX
              + pod.meta().namespace()
              + "."
              + pod.serviceAccountName());
    }
    if (resource instanceof WorkloadEndpoint endpoint) {
      return endpoint.profiles().isEmpty() ? List.of(ofNamespace) : endpoint.profiles();
    }
    return resource instanceof HostEndpoint endpoint ? endpoint.profiles() : List.of();
  }

  /**
   * @param resource an endpoint or a network set
   * @param find other resources, null for those that do not exist
   */
  static Item read(Resource resource, Function<ResourceKey, Resource> find) {
    return new Item(
        resource.key(),
        labels(resource, find),
        nets(resource),
        addresses(resource),
        ports(resource),
        profiles(resource),
        resource.meta().creationTimestamp().orElse(Instant.MIN));
  }

  private static List<Net> nets(Resource resource) {
    if (resource instanceof NetworkSet set) {
      return set.nets().stream().map(ItemReader::net).toList();
    }
    return resource instanceof HostEndpoint endpoint
        ? endpoint.expectedIps().stream().map(ip -> net(Cidr.host(ip))).toList()
        : List.of();
  }

  static Net net(Cidr cidr) {
    return new Net(Addresses.ip(cidr.address()), cidr.prefix());
  }

  private static List<Ip> addresses(Resource resource) {
    List<IpAddress> addresses =
        resource instanceof Pod pod
            ? pod.podIps()
            : resource instanceof WorkloadEndpoint endpoint
                ? endpoint.ipNetworks().stream().map(Cidr::address).toList()
                : List.of();
    return addresses.stream().map(Addresses::ip).distinct().toList();
  }

  private static List<Item.NamedPort> ports(Resource resource) {
    List<Item.NamedPort> ports = new ArrayList<>();
    if (resource instanceof Pod pod) {
      for (Pod.ContainerPort port : pod.ports()) {
        ports.add(new Item.NamedPort(port.name(), port.protocol().number(), port.port()));
      }
    }
    List<WorkloadEndpoint.EndpointPort> others =
        resource instanceof WorkloadEndpoint workload
            ? workload.ports()
            : resource instanceof HostEndpoint host ? host.ports() : List.of();
    for (WorkloadEndpoint.EndpointPort port : others) {
      ports.add(new Item.NamedPort(port.name(), port.protocol().number(), port.port()));
    }
    return ports.stream().filter(port -> !port.name().isEmpty()).distinct().toList();
  }

  private static Map<String, String> labels(
      Resource resource, Function<ResourceKey, Resource> find) {
    ObjectMeta meta = resource.meta();
    Map<String, String> labels = new HashMap<>(meta.labels());
    // Who may label a pod must not by that speak for its namespace or service account.
    labels
        .keySet()
        .removeIf(
            name ->
                name.startsWith(Selector.NAMESPACE_PREFIX)
                    || name.startsWith(Selector.SERVICE_ACCOUNT_PREFIX));
    String account = serviceAccount(resource);
    if (!meta.namespace().isEmpty()) {
      labels.put(Selector.NAMESPACE_LABEL, meta.namespace());
      inherit(labels, Selector.NAMESPACE_PREFIX, find.apply(namespaceKey(meta.namespace())));
      String prefix = Selector.NAMESPACE_PREFIX;
      labels.put(prefix + NAME_LABEL, meta.namespace());
      labels.putIfAbsent(prefix + METADATA_NAME_LABEL, meta.namespace());
    }
    if (resource instanceof Pod) {
      labels.put(Selector.ORCHESTRATOR_LABEL, KUBERNETES);
    } else if (resource instanceof WorkloadEndpoint endpoint
        && !endpoint.orchestrator().isEmpty()) {
      labels.put(Selector.ORCHESTRATOR_LABEL, endpoint.orchestrator());
    }
    if (!account.isEmpty()) {
      labels.put(Selector.SERVICE_ACCOUNT_LABEL, account);
      inherit(
          labels,
          Selector.SERVICE_ACCOUNT_PREFIX,
          find.apply(new ResourceKey(Kind.SERVICE_ACCOUNT, meta.namespace(), account)));
      labels.put(Selector.SERVICE_ACCOUNT_PREFIX + NAME_LABEL, account);
    }
    for (String name : profiles(resource)) {
      if (find.apply(profileKey(name)) instanceof Profile profile) {
        profile.labelsToApply().forEach(labels::putIfAbsent);
      }
    }
    return labels;
  }

  private static void inherit(Map<String, String> labels, String prefix, Resource from) {
    if (from != null) {
      from.meta().labels().forEach((name, value) -> labels.putIfAbsent(prefix + name, value));
    }
  }
}
