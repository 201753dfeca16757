// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.parse;

import io.sluice.config.model.Cidr;
import io.sluice.config.model.IpAddress;
import io.sluice.config.model.IpFamily;
import io.sluice.config.model.PortRange;
import io.sluice.config.model.Protocol;
import io.sluice.config.model.Service;
import io.sluice.config.model.Service.IpFamilyPolicy;
import io.sluice.config.model.Service.LoadBalancerIngress;
import io.sluice.config.model.Service.ServicePort;
import io.sluice.config.model.Service.SessionAffinity;
import io.sluice.config.model.Service.TrafficPolicy;
import io.sluice.config.model.Service.Type;
import io.sluice.config.text.Text;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Reads v1 Services as the API server does. */
final class ServiceBinder {
  private static final String HEADLESS = "None";
  private static final int AFFINITY_MAX = 86400;
  private static final List<String> UNUSED_ANNOTATIONS =
      List.of("projectcalico.org/udpConntrackCleanup");

  private final Fields spec;
  private final Type type;

  private ServiceBinder(Fields spec) {
    this.spec = spec;
    this.type = spec.choice("type", Type.class, Type.CLUSTER_IP);
  }

  static Optional<Service> bind(Fields root, MetaBinder.Bound meta) {
    Fields status = root.mapOrEmpty("status");
    Optional<Fields> spec = root.map("spec");
    if (spec.isEmpty()) {
      if (!root.has("spec")) {
        root.error("spec", "is missing");
      }
      return Optional.empty();
    }
    for (String annotation : UNUSED_ANNOTATIONS) {
      if (meta.meta().annotations().containsKey(annotation)) {
        meta.fields().ignored("annotations", annotation + " has no effect in this version");
      }
    }
    return Optional.of(new ServiceBinder(spec.get()).service(meta, status));
  }

  private Service service(MetaBinder.Bound meta, Fields status) {
    List<IpAddress> clusterIps = clusterIps();
    List<IpFamily> families = families(clusterIps);
    SessionAffinity affinity =
        spec.choice("sessionAffinity", SessionAffinity.class, SessionAffinity.NONE);
    Service service =
        new Service(
            meta.meta(),
            type,
            clusterIps,
            families,
            spec.choice(
                "ipFamilyPolicy",
                IpFamilyPolicy.class,
                clusterIps.size() > 1
                    ? IpFamilyPolicy.PREFER_DUAL_STACK
                    : IpFamilyPolicy.SINGLE_STACK),
            ports(clusterIps),
            spec.texts("selector"),
            spec.list("externalIPs", Checks::unicast),
            externalName(),
            spec.parsed("loadBalancerIP", Checks::unicast),
            spec.list("loadBalancerSourceRanges", t -> Cidr.parse(t.strip())),
            spec.text("loadBalancerClass"),
            spec.flag("allocateLoadBalancerNodePorts", true),
            affinity,
            affinityTimeout(),
            spec.choice("externalTrafficPolicy", TrafficPolicy.class, TrafficPolicy.CLUSTER),
            spec.choice("internalTrafficPolicy", TrafficPolicy.class, TrafficPolicy.CLUSTER),
            spec.flag("publishNotReadyAddresses", false),
            spec.number("healthCheckNodePort", 0, PortRange.MAX, 0),
            spec.text("trafficDistribution"),
            ingress(status),
            BalancingAnnotations.maglev(meta),
            BalancingAnnotations.weights(meta));
    tellUnused(service, status);
    spec.finish();
    return service;
  }

  /** What the API server would refuse or drop, and has no effect here. */
  private void tellUnused(Service service, Fields status) {
    if (type == Type.LOAD_BALANCER) {
      return;
    }
    if (!service.loadBalancerSourceRanges().isEmpty()) {
      spec.ignored("loadBalancerSourceRanges", "has no effect with type " + type);
    }
    if (!service.ingress().isEmpty()) {
      status.ignored("loadBalancer", "has no effect with type " + type);
    }
  }

  private String externalName() {
    if (type != Type.EXTERNAL_NAME) {
      if (spec.has("externalName")) {
        spec.ignored("externalName", "has no effect with type " + type);
      }
      return "";
    }
    return spec.required("externalName");
  }

  private List<IpAddress> clusterIps() {
    String single = spec.text("clusterIP");
    List<String> texts = new ArrayList<>(spec.list("clusterIPs", t -> t));
    if (!single.isEmpty() && !texts.isEmpty() && !texts.get(0).equals(single)) {
      spec.error("clusterIPs", "does not begin with clusterIP, " + Text.quote(single));
      return List.of();
    }
    boolean fromList = !texts.isEmpty();
    if (!fromList && !single.isEmpty()) {
      texts.add(single);
    }
    if (texts.equals(List.of(HEADLESS)) || texts.isEmpty()) {
      if (texts.isEmpty() && type != Type.EXTERNAL_NAME) {
        spec.warning(
            "clusterIP", "is missing and nobody assigns one here: write an address or None");
      }
      return List.of();
    }
    if (type == Type.EXTERNAL_NAME) {
      spec.error(fromList ? "clusterIPs" : "clusterIP", "cannot be set with type ExternalName");
      return List.of();
    }
    List<IpAddress> addresses =
        fromList
            ? spec.list("clusterIPs", Checks::unicast)
            : spec.parsed("clusterIP", Checks::unicast).map(List::of).orElse(List.of());
    boolean twoOfAKind =
        addresses.size() == 2 && addresses.get(0).family() == addresses.get(1).family();
    if (addresses.size() > 2 || twoOfAKind) {
      spec.error("clusterIPs", "has more than one address of a family");
    }
    return addresses;
  }

  private List<IpFamily> families(List<IpAddress> clusterIps) {
    List<IpFamily> given = spec.list("ipFamilies", ServiceBinder::family);
    if (new HashSet<>(given).size() < given.size()) {
      spec.error("ipFamilies", "names a family twice");
    }
    List<IpFamily> actual = clusterIps.stream().map(IpAddress::family).toList();
    if (given.isEmpty()) {
      return actual.isEmpty() ? List.of(IpFamily.IPV4) : actual;
    }
    if (!actual.isEmpty() && !given.equals(actual)) {
      spec.error("ipFamilies", "does not agree with the cluster IPs, which are " + actual);
    }
    return given;
  }

  static IpFamily family(String text) {
    for (IpFamily family : IpFamily.values()) {
      if (family.toString().equals(text)) {
        return family;
      }
    }
    throw new IllegalArgumentException(Text.quote(text) + " is none of IPv4, IPv6");
  }

  private List<ServicePort> ports(List<IpAddress> clusterIps) {
    int count = spec.items("ports").size();
    Optional<Tree> list = spec.raw("ports");
    boolean isList = list.isEmpty() || list.get() instanceof Tree.Sequence;
    if (count == 0 && isList && !clusterIps.isEmpty()) {
      spec.error("ports", list.isEmpty() ? "is missing" : "is empty");
    }
    Set<String> names = new HashSet<>();
    Set<String> numbers = new HashSet<>();
    Set<String> nodePorts = new LinkedHashSet<>();
    return spec.maps(
        "ports",
        fields -> {
          ServicePort port = port(fields, count > 1);
          if (!port.name().isEmpty() && !names.add(port.name())) {
            fields.error("name", Text.quote(port.name()) + " is another port's name already");
          }
          String number = port.port() + "/" + port.protocol();
          if (port.port() != 0 && !numbers.add(number)) {
            fields.error("port", number + " is there already");
          }
          String nodePort = port.nodePort() + "/" + port.protocol();
          if (port.nodePort() != 0 && !nodePorts.add(nodePort)) {
            fields.error("nodePort", nodePort + " is there already");
          }
          return Optional.of(port);
        });
  }

  private ServicePort port(Fields fields, boolean several) {
    if (several && !fields.has("name")) {
      fields.error("name", "is missing, it is needed where there are several ports");
    }
    if (!fields.has("port")) {
      fields.error("port", "is missing");
    }
    int port = fields.number("port", 1, PortRange.MAX, 0);
    int nodePort = fields.number("nodePort", 0, PortRange.MAX, 0);
    if (nodePort != 0 && type != Type.NODE_PORT && type != Type.LOAD_BALANCER) {
      fields.error("nodePort", "cannot be set with type " + type);
    }
    ServicePort result =
        new ServicePort(
            fields.parsed("name", Checks::portName).orElse(""),
            fields.choice("protocol", Protocol.class, Protocol.TCP),
            port,
            targetPort(fields, port),
            nodePort,
            fields.text("appProtocol"));
    fields.finish();
    return result;
  }

  private static String targetPort(Fields fields, int port) {
    boolean named =
        fields
            .raw("targetPort")
            .filter(t -> t instanceof Tree.Scalar s && s.type() == Tree.Type.TEXT)
            .isPresent();
    return named
        ? fields.parsed("targetPort", Checks::portName).orElse("")
        : Integer.toString(fields.number("targetPort", 1, PortRange.MAX, port));
  }

  private Duration affinityTimeout() {
    Fields config = spec.mapOrEmpty("sessionAffinityConfig");
    Fields clientIp = config.mapOrEmpty("clientIP");
    int seconds =
        clientIp.number(
            "timeoutSeconds", 1, AFFINITY_MAX, (int) Service.DEFAULT_AFFINITY_TIMEOUT.toSeconds());
    clientIp.finish();
    config.finish();
    return Duration.ofSeconds(seconds);
  }

  private static List<LoadBalancerIngress> ingress(Fields status) {
    status.skip("conditions");
    Fields loadBalancer = status.mapOrEmpty("loadBalancer");
    List<LoadBalancerIngress> ingress =
        loadBalancer.maps(
            "ingress",
            fields -> {
              LoadBalancerIngress one =
                  new LoadBalancerIngress(
                      fields.parsed("ip", Checks::unicast),
                      fields.text("hostname"),
                      fields.text("ipMode").equals("Proxy"));
              fields.skip("ports");
              fields.finish();
              return Optional.of(one);
            });
    loadBalancer.finish();
    status.finish();
    return ingress;
  }
}
