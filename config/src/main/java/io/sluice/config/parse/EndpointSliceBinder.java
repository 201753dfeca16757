// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.parse;

import io.sluice.config.model.EndpointSlice;
import io.sluice.config.model.EndpointSlice.Endpoint;
import io.sluice.config.model.EndpointSlice.EndpointPort;
import io.sluice.config.model.EndpointSlice.TargetRef;
import io.sluice.config.model.IpAddress;
import io.sluice.config.model.IpFamily;
import io.sluice.config.model.PortRange;
import io.sluice.config.model.Protocol;
import io.sluice.config.text.Text;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Reads discovery.k8s.io/v1 EndpointSlices. */
final class EndpointSliceBinder {
  private EndpointSliceBinder() {}

  static Optional<EndpointSlice> bind(Fields root, MetaBinder.Bound meta) {
    String type = root.required("addressType");
    if (type.equals("FQDN")) {
      root.ignored("addressType", "FQDN: endpoints without addresses have no effect");
      return Optional.empty();
    }
    Optional<IpFamily> family =
        type.isEmpty() ? Optional.empty() : root.parsed("addressType", ServiceBinder::family);
    Set<String> names = new HashSet<>();
    List<EndpointPort> ports = root.maps("ports", fields -> Optional.of(port(fields, names)));
    List<Endpoint> endpoints =
        root.maps("endpoints", fields -> Optional.of(endpoint(fields, family)));
    return family.map(f -> new EndpointSlice(meta.meta(), f, endpoints, ports));
  }

  private static EndpointPort port(Fields fields, Set<String> names) {
    EndpointPort port =
        new EndpointPort(
            fields.parsed("name", Checks::portName).orElse(""),
            fields.choice("protocol", Protocol.class, Protocol.TCP),
            fields.number("port", 1, PortRange.MAX, 0),
            fields.text("appProtocol"));
    if (!names.add(port.name())) {
      fields.error("name", Text.quote(port.name()) + " is another port's name already");
    }
    fields.finish();
    return port;
  }

  private static Endpoint endpoint(Fields fields, Optional<IpFamily> family) {
    List<IpAddress> addresses = fields.list("addresses", text -> address(text, family));
    if (fields.items("addresses").isEmpty()) {
      fields.error("addresses", fields.has("addresses") ? "is empty" : "is missing");
    }
    Fields conditions = fields.mapOrEmpty("conditions");
    boolean ready = conditions.flag("ready", true);
    boolean serving = conditions.flag("serving", true);
    boolean terminating = conditions.flag("terminating", false);
    conditions.finish();
    Fields hints = fields.mapOrEmpty("hints");
    List<String> zones = names(hints, "forZones");
    List<String> nodes = names(hints, "forNodes");
    hints.finish();
    Endpoint endpoint =
        new Endpoint(
            addresses,
            ready,
            serving,
            terminating,
            fields.text("nodeName"),
            fields.text("zone"),
            zones,
            nodes,
            fields.map("targetRef").map(EndpointSliceBinder::targetRef));
    fields.skip("hostname", "deprecatedTopology");
    fields.finish();
    return endpoint;
  }

  private static IpAddress address(String text, Optional<IpFamily> family) {
    IpAddress address = Checks.unicast(text);
    if (family.isPresent() && family.get() != address.family()) {
      throw new IllegalArgumentException(text + " is not " + family.get() + ", the addressType");
    }
    return address;
  }

  private static List<String> names(Fields hints, String list) {
    return hints.maps(
        list,
        fields -> {
          String name = fields.required("name");
          fields.finish();
          return name.isEmpty() ? Optional.empty() : Optional.of(name);
        });
  }

  private static TargetRef targetRef(Fields fields) {
    fields.skip("apiVersion", "fieldPath", "resourceVersion", "uid");
    TargetRef target =
        new TargetRef(fields.text("kind"), fields.text("namespace"), fields.text("name"));
    fields.finish();
    return target;
  }
}
