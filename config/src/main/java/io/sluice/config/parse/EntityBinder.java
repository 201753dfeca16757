// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.parse;

import io.sluice.config.model.Cidr;
import io.sluice.config.model.NetworkPolicy.Direction;
import io.sluice.config.model.PolicyRule.Entity;
import io.sluice.config.model.PolicyRule.Named;
import io.sluice.config.model.PolicyRule.Numbers;
import io.sluice.config.model.PolicyRule.RulePort;
import io.sluice.config.model.PolicyRule.ServiceAccounts;
import io.sluice.config.model.PolicyRule.ServiceRef;
import io.sluice.config.model.PortRange;
import io.sluice.config.selector.Selector;
import io.sluice.config.text.Text;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Reads a rule's source or destination. */
final class EntityBinder {
  private static final Pattern PORT_NAME = Pattern.compile("[A-Za-z0-9_.-]{1,128}");

  private EntityBinder() {}

  /** A selector that is not of namespaces. */
  static Selector selector(String text) {
    Selector selector = Selector.parse(text);
    if (selector.asksForGlobal()) {
      throw new IllegalArgumentException(
          "global() can only be in the namespaceSelector of a source or a destination");
    }
    return selector;
  }

  static Entity entity(Fields fields, boolean source, RuleBinder.Place place) {
    Entity entity =
        new Entity(
            fields.list("nets", Cidr::parseNetwork),
            fields.list("notNets", Cidr::parseNetwork),
            fields.parsed("selector", EntityBinder::selector),
            fields.parsed("notSelector", EntityBinder::selector),
            fields.parsed("namespaceSelector", Selector::parse),
            ports(fields, "ports"),
            ports(fields, "notPorts"),
            fields.map("serviceAccounts").flatMap(f -> serviceAccounts(fields, f)),
            fields.map("services").map(f -> service(f, place)));
    if (entity.service().isPresent()) {
      checkService(fields, source, place);
    }
    fields.finishStrictly();
    return entity;
  }

  private static List<RulePort> ports(Fields fields, String name) {
    List<RulePort> ports = new ArrayList<>();
    List<Tree> items = fields.items(name);
    for (int i = 0; i < items.size(); i++) {
      try {
        if (!(items.get(i) instanceof Tree.Scalar s)) {
          throw new IllegalArgumentException("is " + items.get(i).what() + ", not a port");
        }
        ports.add(port(s.text()));
      } catch (IllegalArgumentException e) {
        fields.errorAt(items.get(i), name + "[" + i + "]", e.getMessage());
      }
    }
    return ports;
  }

  /** A number, {@code first:last}, or a name. */
  private static RulePort port(String text) {
    if (text.matches("[0-9:]+")) {
      return new Numbers(PortRange.parse(text));
    }
    boolean onlyDigits = text.matches("[-0-9.:]*");
    if (onlyDigits || !PORT_NAME.matcher(text).matches()) {
      throw new IllegalArgumentException(
          Text.quote(text) + " is not a port: write a number, first:last, or a name");
    }
    return new Named(text);
  }

  private static Optional<ServiceAccounts> serviceAccounts(Fields entity, Fields fields) {
    ServiceAccounts accounts =
        new ServiceAccounts(
            fields.list("names", name -> name), fields.parsed("selector", EntityBinder::selector));
    if (!fields.has("names") && !fields.has("selector")) {
      entity.error("serviceAccounts", "is empty: give names or a selector");
    }
    fields.finishStrictly();
    return Optional.of(accounts);
  }

  private static ServiceRef service(Fields fields, RuleBinder.Place place) {
    String name = fields.required("name");
    String namespace = fields.text("namespace");
    if (namespace.isEmpty()) {
      namespace = place.namespace();
      if (namespace.isEmpty()) {
        fields.error("namespace", "is missing, and what it is in has none");
      }
    }
    fields.finishStrictly();
    return new ServiceRef(namespace, name);
  }

  /** A service stands for its endpoints, on the far side alone, and says their ports itself. */
  private static void checkService(Fields fields, boolean source, RuleBinder.Place place) {
    if (source != (place.direction() == Direction.INGRESS)) {
      fields.error(
          "services", "can only be in an ingress rule's source or an egress rule's destination");
    }
    Stream.of(
            "nets",
            "notNets",
            "selector",
            "notSelector",
            "namespaceSelector",
            "ports",
            "notPorts",
            "serviceAccounts")
        .filter(fields::has)
        .findFirst()
        .ifPresent(other -> fields.error("services", "cannot stand beside " + other));
  }
}
