// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.parse;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.config.model.Cidr;
import io.sluice.config.model.IpAddress;
import io.sluice.config.model.Namespace;
import io.sluice.config.model.Node;
import io.sluice.config.model.Node.AddressType;
import io.sluice.config.model.Node.NodeAddress;
import io.sluice.config.model.Pod;
import io.sluice.config.model.Pod.ContainerPort;
import io.sluice.config.model.PortRange;
import io.sluice.config.model.Protocol;
import io.sluice.config.model.ServiceAccount;
import io.sluice.config.text.Text;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Reads v1 Nodes, Namespaces and Pods. Most of their fields are about what Sluice does not do; only
 * those that look like one that it reads are worth a word.
 */
final class CoreBinders {
  private static final ObjectMapper JSON = new ObjectMapper();

  private CoreBinders() {}

  static Optional<Namespace> namespace(Fields root, MetaBinder.Bound meta) {
    root.skip("spec", "status");
    return Optional.of(new Namespace(meta.meta()));
  }

  static Optional<ServiceAccount> serviceAccount(Fields root, MetaBinder.Bound meta) {
    root.skip("secrets", "imagePullSecrets", "automountServiceAccountToken");
    return Optional.of(new ServiceAccount(meta.meta()));
  }

  static Optional<Node> node(Fields root, MetaBinder.Bound meta) {
    Fields spec = root.mapOrEmpty("spec");
    Optional<Cidr> single = spec.parsed("podCIDR", Cidr::parse);
    List<Cidr> podCidrs = spec.list("podCIDRs", Cidr::parse);
    if (podCidrs.isEmpty()) {
      podCidrs = single.map(List::of).orElse(List.of());
    } else if (single.isPresent() && !podCidrs.get(0).equals(single.get())) {
      spec.error("podCIDRs", "does not begin with podCIDR, " + single.get());
    }
    List<String> taints = spec.maps("taints", CoreBinders::taint);
    spec.finishOpen();
    Fields status = root.mapOrEmpty("status");
    List<NodeAddress> addresses = status.maps("addresses", CoreBinders::nodeAddress);
    status.finishOpen();
    boolean leaving = meta.fields().has("deletionTimestamp") || taints.contains(Node.LEAVING_TAINT);
    return Optional.of(new Node(meta.meta(), addresses, podCidrs, leaving));
  }

  /** Its key: what Sluice knows of taints is one name. */
  private static Optional<String> taint(Fields fields) {
    String key = fields.text("key");
    fields.finishOpen();
    return Optional.of(key);
  }

  private static Optional<NodeAddress> nodeAddress(Fields fields) {
    String type = fields.required("type");
    fields.required("address");
    for (AddressType known : AddressType.values()) {
      if (known.toString().equals(type)) {
        return fields.parsed("address", Checks::unicast).map(a -> new NodeAddress(known, a));
      }
    }
    return Optional.empty(); // Hostname, InternalDNS, ExternalDNS
  }

  static Optional<Pod> pod(Fields root, MetaBinder.Bound meta) {
    Fields spec = root.mapOrEmpty("spec");
    String nodeName = spec.text("nodeName");
    boolean hostNetwork = spec.flag("hostNetwork", false);
    String named = spec.text("serviceAccountName");
    String serviceAccount = named.isEmpty() ? "default" : named;
    spec.skip("serviceAccount"); // its former name, which the API server fills in, too
    List<ContainerPort> ports = new ArrayList<>();
    for (String list : List.of("containers", "initContainers")) {
      spec.maps(list, fields -> Optional.of(containerPorts(fields))).forEach(ports::addAll);
    }
    spec.skip("hostname", "hostPID", "hostIPC", "hostUsers", "hostAliases", "ephemeralContainers");
    spec.finishOpen();
    Fields status = root.mapOrEmpty("status");
    String phase = status.text("phase");
    Set<IpAddress> podIps = new LinkedHashSet<>();
    Optional<IpAddress> single = status.parsed("podIP", Checks::unicast);
    podIps.addAll(
        status.maps(
            "podIPs",
            fields -> {
              fields.required("ip");
              return fields.parsed("ip", Checks::unicast);
            }));
    if (podIps.isEmpty()) {
      single.ifPresent(podIps::add);
    }
    status.skip("hostIP", "hostIPs");
    status.finishOpen();
    boolean finished = phase.equals("Succeeded") || phase.equals("Failed");
    return Optional.of(
        new Pod(
            meta.meta(),
            nodeName,
            hostNetwork,
            List.copyOf(podIps),
            ports,
            serviceAccount,
            finished,
            allowedSources(meta),
            QosBinder.ofPod(meta)));
  }

  private static List<ContainerPort> containerPorts(Fields container) {
    List<ContainerPort> ports =
        container.maps(
            "ports",
            fields -> {
              if (!fields.has("containerPort")) {
                fields.error("containerPort", "is missing");
              }
              ContainerPort port =
                  new ContainerPort(
                      fields.parsed("name", Checks::portName).orElse(""),
                      fields.choice("protocol", Protocol.class, Protocol.TCP),
                      fields.number("containerPort", 1, PortRange.MAX, 0));
              if (fields.number("hostPort", 0, PortRange.MAX, 0) != 0) {
                fields.ignored("hostPort", "has no effect in this version");
              }
              fields.skip("hostIP");
              fields.finish();
              return Optional.of(port);
            });
    container.skip("name", "image", "env", "args", "command", "tty");
    container.finishOpen();
    return ports;
  }

  private static List<Cidr> allowedSources(MetaBinder.Bound meta) {
    String text = meta.meta().annotations().get(Pod.ALLOWED_SOURCES_ANNOTATION);
    if (text == null) {
      return List.of();
    }
    List<Cidr> sources = new ArrayList<>();
    try {
      JsonNode list = JSON.readTree(text);
      if (list == null || !list.isArray()) {
        throw new IllegalArgumentException(Text.quote(text) + " is not a JSON list");
      }
      for (JsonNode item : list) {
        if (!item.isTextual()) {
          throw new IllegalArgumentException(Text.quote(text) + " is not a JSON list of texts");
        }
        sources.add(Cidr.parseNetwork(item.textValue()));
      }
    } catch (JsonProcessingException e) {
      meta.fields()
          .error(
              "annotations",
              Pod.ALLOWED_SOURCES_ANNOTATION + ": " + Text.quote(text) + " is not a JSON list");
    } catch (IllegalArgumentException e) {
      meta.fields().error("annotations", Pod.ALLOWED_SOURCES_ANNOTATION + ": " + e.getMessage());
    }
    return sources;
  }
}
