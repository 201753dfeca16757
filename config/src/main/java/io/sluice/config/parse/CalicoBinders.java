// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.parse;

import io.sluice.config.model.Cidr;
import io.sluice.config.model.FelixConfiguration;
import io.sluice.config.model.IpAddress;
import io.sluice.config.model.IpPool;
import io.sluice.config.model.IpPool.VxlanMode;
import io.sluice.config.model.PortRange;
import io.sluice.config.model.Protocol;
import io.sluice.config.model.RawValue;
import io.sluice.config.model.WorkloadEndpoint;
import io.sluice.config.model.WorkloadEndpoint.EndpointPort;
import io.sluice.config.model.WorkloadEndpoint.IpNat;
import io.sluice.config.settings.FelixCheck;
import io.sluice.config.text.Text;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Reads projectcalico.org/v3 kinds. */
final class CalicoBinders {
  private static final String NOT_YET = "has no effect in this version";

  private CalicoBinders() {}

  static Optional<IpPool> ipPool(Fields root, MetaBinder.Bound meta) {
    Fields spec = root.mapOrEmpty("spec");
    spec.required("cidr");
    Optional<Cidr> cidr =
        spec.text("cidr").isEmpty() ? Optional.empty() : spec.parsed("cidr", Cidr::parse);
    String ipip = spec.text("ipipMode");
    if (!ipip.isEmpty() && !ipip.equals("Never")) {
      spec.error("ipipMode", Text.quote(ipip) + " is not supported, write Never");
    }
    boolean natOutgoing = spec.flag("natOutgoing", false);
    if (natOutgoing) {
      spec.ignored("natOutgoing", NOT_YET);
    }
    int bits = cidr.map(c -> c.family().bits()).orElse(128);
    int defaultBlock = bits == 32 ? 26 : 122;
    int prefix = cidr.map(Cidr::prefix).orElse(0);
    IpPool pool =
        new IpPool(
            meta.meta(),
            cidr.orElse(Cidr.host(IpAddress.parse("0.0.0.0"))),
            spec.choice("vxlanMode", VxlanMode.class, VxlanMode.NEVER),
            natOutgoing,
            spec.flag("disabled", false),
            spec.has("nodeSelector") ? spec.text("nodeSelector") : "all()",
            spec.number("blockSize", Math.min(prefix, bits), bits, Math.max(prefix, defaultBlock)));
    spec.skip("allowedUses", "assignmentMode", "namespaceSelector", "disableBGPExport");
    spec.finish();
    return Optional.of(pool);
  }

  static Optional<WorkloadEndpoint> workloadEndpoint(Fields root, MetaBinder.Bound meta) {
    Fields spec = root.mapOrEmpty("spec");
    if (spec.has("ipNATs")) {
      spec.ignored("ipNATs", NOT_YET);
    }
    WorkloadEndpoint endpoint =
        new WorkloadEndpoint(
            meta.meta(),
            spec.required("node"),
            spec.text("orchestrator"),
            spec.text("workload"),
            spec.text("pod"),
            spec.text("endpoint"),
            spec.required("interfaceName").isEmpty()
                ? ""
                : spec.parsed("interfaceName", Checks::interfaceName).orElse(""),
            spec.list("ipNetworks", CalicoBinders::oneAddress),
            spec.maps("ipNATs", CalicoBinders::ipNat),
            spec.parsed("mac", Checks::mac).orElse(""),
            spec.list("profiles", t -> t),
            spec.maps("ports", CalicoBinders::port),
            spec.text("serviceAccountName"),
            spec.list("allowSpoofedSourcePrefixes", Cidr::parseNetwork),
            QosBinder.ofEndpoint(spec, scalars(spec, "qosControls")));
    spec.skip("containerID", "ipv4Gateway", "ipv6Gateway");
    spec.finish();
    return Optional.of(endpoint);
  }

  private static Cidr oneAddress(String text) {
    Cidr cidr = Cidr.parseNetwork(text);
    if (cidr.prefix() != cidr.family().bits()) {
      throw new IllegalArgumentException(
          text + " is more than one address, write " + Cidr.host(cidr.address()));
    }
    Checks.unicast(cidr.address().toString());
    return cidr;
  }

  private static Optional<IpNat> ipNat(Fields fields) {
    Optional<IpAddress> internal = address(fields, "internalIP");
    Optional<IpAddress> external = address(fields, "externalIP");
    fields.finish();
    return internal.flatMap(i -> external.map(e -> new IpNat(i, e)));
  }

  private static Optional<IpAddress> address(Fields fields, String name) {
    return fields.required(name).isEmpty()
        ? Optional.empty()
        : fields.parsed(name, Checks::unicast);
  }

  private static Optional<EndpointPort> port(Fields fields) {
    if (!fields.has("port")) {
      fields.error("port", "is missing");
    }
    String protocolName = protocolName(fields);
    EndpointPort port =
        new EndpointPort(
            fields.parsed("name", Checks::portName).orElse(""),
            Protocol.valueOf(protocolName),
            fields.number("port", 1, PortRange.MAX, 0),
            fields.number("hostPort", 0, PortRange.MAX, 0),
            fields.parsed("hostIP", IpAddress::parse).map(IpAddress::toString).orElse(""));
    fields.finish();
    return Optional.of(port);
  }

  /** Calico has a name in any case, or a number. */
  static String protocolName(Fields fields) {
    Optional<Tree> raw = fields.raw("protocol");
    if (raw.isEmpty()) {
      return Protocol.TCP.name();
    }
    String text = raw.get() instanceof Tree.Scalar s ? s.text() : "";
    for (Protocol protocol : Protocol.values()) {
      if (protocol.name().equalsIgnoreCase(text)
          || text.equals(Integer.toString(protocol.number()))) {
        return protocol.name();
      }
    }
    fields.error("protocol", Text.quote(text) + " is none of TCP, UDP, SCTP");
    return Protocol.TCP.name();
  }

  private static Map<String, String> scalars(Fields fields, String name) {
    Map<String, String> scalars = new LinkedHashMap<>();
    fields
        .map(name)
        .ifPresent(
            map -> {
              for (String key : map.names()) {
                map.raw(key)
                    .ifPresent(
                        value -> {
                          if (value instanceof Tree.Scalar s) {
                            scalars.put(key, s.text());
                          } else {
                            map.error(key, "is " + value.what() + ", not one value");
                          }
                        });
              }
            });
    return scalars;
  }

  static Optional<FelixConfiguration> felixConfiguration(Fields root, MetaBinder.Bound meta) {
    Fields spec = root.mapOrEmpty("spec");
    String name = meta.meta().name();
    boolean forNode = name.startsWith(FelixConfiguration.NODE_PREFIX);
    if (!forNode && !name.equals(FelixConfiguration.DEFAULT)) {
      meta.fields()
          .warning("name", Text.quote(name) + " holds for no node, write default or node.NAME");
    }
    Map<String, RawValue> values = new LinkedHashMap<>();
    for (String field : List.copyOf(spec.names())) {
      Optional<Tree> tree = FelixCheck.isKnown(field) ? spec.raw(field) : Optional.empty();
      tree.flatMap(t -> setting(spec, field, t)).ifPresent(raw -> values.put(field, raw));
    }
    spec.skip(FelixCheck.names());
    spec.finish();
    return Optional.of(new FelixConfiguration(meta.meta(), values));
  }

  /** The value of a field, if it is one of a setting that Sluice has. */
  private static Optional<RawValue> setting(Fields spec, String field, Tree tree) {
    Optional<RawValue> raw = raw(tree);
    if (raw.isEmpty()) {
      spec.error(field, "is nested too deeply");
      return raw;
    }
    FelixCheck.Result result = FelixCheck.check(field, raw.get());
    result.error().ifPresent(reason -> spec.error(field, reason));
    result.remark().ifPresent(reason -> spec.ignored(field, reason));
    return result.counts() ? raw : Optional.empty();
  }

  private static Optional<RawValue> raw(Tree tree) {
    if (tree instanceof Tree.Scalar s) {
      return Optional.of(new RawValue.Scalar(s.text()));
    }
    if (tree instanceof Tree.Sequence list) {
      List<String> items = new ArrayList<>();
      for (Tree item : list.items()) {
        Optional<String> text = failsafe(item);
        if (text.isEmpty()) {
          return Optional.empty();
        }
        items.add(text.get());
      }
      return Optional.of(new RawValue.Items(items));
    }
    Map<String, String> entries = new LinkedHashMap<>();
    for (Map.Entry<String, Tree> entry : ((Tree.Mapping) tree).fields().entrySet()) {
      if (!(entry.getValue() instanceof Tree.Scalar s)) {
        return Optional.empty();
      }
      entries.put(entry.getKey(), s.text());
    }
    return Optional.of(new RawValue.Entries(entries));
  }

  /** An item as a text; fail-safe ports are maps on the wire: {protocol, net, port}. */
  private static Optional<String> failsafe(Tree item) {
    if (item instanceof Tree.Scalar s) {
      return Optional.of(s.text());
    }
    if (!(item instanceof Tree.Mapping map)) {
      return Optional.empty();
    }
    StringBuilder text = new StringBuilder();
    for (String part : List.of("protocol", "net", "port")) {
      Tree value = map.fields().get(part);
      if (value instanceof Tree.Scalar s && !s.text().isEmpty()) {
        boolean v6 = part.equals("net") && s.text().indexOf(':') >= 0;
        text.append(text.isEmpty() ? "" : ":").append(v6 ? "[" + s.text() + "]" : s.text());
      }
    }
    boolean others =
        map.fields().keySet().stream()
            .anyMatch(k -> !List.of("protocol", "net", "port").contains(k));
    return others ? Optional.empty() : Optional.of(text.toString());
  }
}
