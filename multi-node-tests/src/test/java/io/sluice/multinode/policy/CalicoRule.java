// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode.policy;

import static io.sluice.multinode.policy.World.map;

import io.sluice.multinode.harness.IpVersion;
import io.sluice.multinode.harness.Reach;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;

/** A rule of projectcalico.org/v3, put together word by word. */
final class CalicoRule {
  /** One end of a packet. */
  static final class End {
    private List<String> nets;
    private List<String> notNets;
    private Sel selector;
    private Sel notSelector;
    private Sel namespaceSelector;
    private List<Object> ports;
    private List<Object> notPorts;
    private List<String> accounts;
    private Sel accountSelector;

    End nets(String... cidrs) {
      nets = List.of(cidrs);
      return this;
    }

    End notNets(String... cidrs) {
      notNets = List.of(cidrs);
      return this;
    }

    End selector(Sel sel) {
      selector = sel;
      return this;
    }

    End notSelector(Sel sel) {
      notSelector = sel;
      return this;
    }

    End namespaces(Sel sel) {
      namespaceSelector = sel;
      return this;
    }

    /** Numbers, {@code "80:81"}, or names. */
    End ports(Object... some) {
      ports = List.of(some);
      return this;
    }

    End notPorts(Object... some) {
      notPorts = List.of(some);
      return this;
    }

    End accounts(String... names) {
      accounts = List.of(names);
      return this;
    }

    End accounts(Sel sel) {
      accountSelector = sel;
      return this;
    }

    private boolean matches(
        World world, String ownNamespace, World.Host host, String address, int port, String proto) {
      if (nets != null && nets.stream().noneMatch(n -> World.inNet(address, n))) {
        return false;
      }
      if (notNets != null && notNets.stream().anyMatch(n -> World.inNet(address, n))) {
        return false;
      }
      if (ports != null && ports.stream().noneMatch(p -> isPort(p, host, port, proto))) {
        return false;
      }
      if (notPorts != null && notPorts.stream().anyMatch(p -> isPort(p, host, port, proto))) {
        return false;
      }
      if (notSelector != null && hasLabels(world, host, address, null, notSelector, null)) {
        return false;
      }
      if (selector == null && namespaceSelector == null && !asksAccount()) {
        return true;
      }
      String own = namespaceSelector == null ? ownNamespace : null;
      Sel wanted = selector == null ? Sel.all() : selector;
      if (asksAccount()) {
        return host.isPod()
            && isThere(world, host.pod().namespace(), own)
            && wanted.matches(podLabels(host))
            && isAccount(host.pod().serviceAccount());
      }
      return hasLabels(world, host, address, own, wanted, namespaceSelector);
    }

    private boolean asksAccount() {
      return accounts != null || accountSelector != null;
    }

    /** The lab labels each account but {@code default} with its name. */
    private boolean isAccount(String account) {
      Map<String, String> labels =
          account.equals("default") ? Map.of() : Map.of("account", account);
      return (accounts == null || accounts.contains(account))
          && (accountSelector == null || accountSelector.matches(labels));
    }

    private boolean isThere(World world, String namespace, String own) {
      return (own == null || own.equals(namespace))
          && (namespaceSelector == null
              || namespaceSelector.matches(world.namespaceLabels(namespace)));
    }

    /** Whether an endpoint or a network set with such labels has the address. */
    private static boolean hasLabels(
        World world, World.Host host, String address, String own, Sel sel, Sel namespaces) {
      if (host.isPod()
          && in(world, host.pod().namespace(), own, namespaces)
          && sel.matches(podLabels(host))) {
        return true;
      }
      return world.sets().stream()
          .filter(s -> in(world, s.namespace(), own, namespaces))
          .filter(s -> sel.matches(s.labels()))
          .flatMap(s -> s.nets().stream())
          .anyMatch(net -> World.inNet(address, net));
    }

    private static boolean in(World world, String namespace, String own, Sel namespaces) {
      if (own != null && !own.equals(namespace)) {
        return false;
      }
      if (namespaces == null) {
        return true;
      }
      if (namespaces.text().equals(Sel.global().text())) {
        return namespace == null;
      }
      return namespace != null && namespaces.matches(world.namespaceLabels(namespace));
    }

    private static boolean isPort(Object wanted, World.Host host, int port, String proto) {
      if (wanted instanceof Integer number) {
        return number == port;
      }
      String text = (String) wanted;
      if (text.contains(":")) {
        String[] ends = text.split(":");
        return port >= Integer.parseInt(ends[0]) && port <= Integer.parseInt(ends[1]);
      }
      return host.isPod() && (port + "/" + proto).equals(host.pod().namedPorts().get(text));
    }

    private Map<String, Object> yaml() {
      Map<String, Object> account =
          map(
              "names",
              accounts,
              "selector",
              accountSelector == null ? null : accountSelector.text());
      Map<String, Object> yaml =
          map(
              "nets",
              nets,
              "notNets",
              notNets,
              "selector",
              text(selector),
              "notSelector",
              text(notSelector),
              "namespaceSelector",
              text(namespaceSelector),
              "ports",
              ports,
              "notPorts",
              notPorts,
              "serviceAccounts",
              account.isEmpty() ? null : account);
      return yaml.isEmpty() ? null : yaml;
    }
  }

  static String text(Sel sel) {
    return sel == null ? null : sel.text();
  }

  /** Labels as selectors see them, with what every endpoint has besides its own. */
  static Map<String, String> podLabels(World.Host host) {
    Map<String, String> labels = new HashMap<>(host.pod().labels());
    labels.put("projectcalico.org/namespace", host.pod().namespace());
    labels.put("projectcalico.org/orchestrator", "k8s");
    labels.put("projectcalico.org/serviceaccount", host.pod().serviceAccount());
    return labels;
  }

  private final String action;
  private IpVersion version;
  private Object protocol;
  private Object notProtocol;
  private List<Integer> icmp;
  private List<Integer> notIcmp;
  private final End source = new End();
  private final End destination = new End();

  private CalicoRule(String action) {
    this.action = action;
  }

  static CalicoRule allow() {
    return new CalicoRule("Allow");
  }

  static CalicoRule deny() {
    return new CalicoRule("Deny");
  }

  static CalicoRule pass() {
    return new CalicoRule("Pass");
  }

  static CalicoRule log() {
    return new CalicoRule("Log");
  }

  CalicoRule version(IpVersion one) {
    version = one;
    return this;
  }

  /** A name, or a number. */
  CalicoRule protocol(Object one) {
    protocol = one;
    return this;
  }

  CalicoRule notProtocol(Object one) {
    notProtocol = one;
    return this;
  }

  /** A type, and maybe a code. */
  CalicoRule icmp(Integer... typeAndCode) {
    icmp = List.of(typeAndCode);
    return this;
  }

  CalicoRule notIcmp(Integer... typeAndCode) {
    notIcmp = List.of(typeAndCode);
    return this;
  }

  CalicoRule from(Consumer<End> words) {
    words.accept(source);
    return this;
  }

  CalicoRule to(Consumer<End> words) {
    words.accept(destination);
    return this;
  }

  String action() {
    return action;
  }

  boolean matches(World world, String ownNamespace, Policy.Flow flow) {
    if (version != null && flow.version() != version) {
      return false;
    }
    if (protocol != null && !isProtocol(protocol, flow)) {
      return false;
    }
    if (notProtocol != null && isProtocol(notProtocol, flow)) {
      return false;
    }
    if (icmp != null && !isEcho(icmp, flow)) {
      return false;
    }
    if (notIcmp != null && (flow.way() != Reach.Way.PING || isEcho(notIcmp, flow))) {
      return false;
    }
    String proto = flow.way().name().toLowerCase(Locale.ROOT);
    // Source ports are nobody's business here: no test names them.
    return source.matches(
            world, ownNamespace, flow.from(), flow.from().address(flow.version()), 0, proto)
        && destination.matches(
            world, ownNamespace, flow.to(), flow.to().address(flow.version()), flow.port(), proto);
  }

  private static boolean isProtocol(Object wanted, Policy.Flow flow) {
    boolean v6 = flow.version() == IpVersion.V6;
    return switch (flow.way()) {
      case TCP -> wanted.equals("TCP") || wanted.equals(6);
      case UDP -> wanted.equals("UDP") || wanted.equals(17);
      case SCTP -> wanted.equals("SCTP") || wanted.equals(132);
      case PING ->
          v6
              ? wanted.equals("ICMPv6") || wanted.equals(58)
              : wanted.equals("ICMP") || wanted.equals(1);
    };
  }

  /** A ping is of type 8, or 128 with IPv6, and code 0. */
  private static boolean isEcho(List<Integer> typeAndCode, Policy.Flow flow) {
    int type = flow.version() == IpVersion.V4 ? 8 : 128;
    return flow.way() == Reach.Way.PING
        && typeAndCode.get(0) == type
        && (typeAndCode.size() == 1 || typeAndCode.get(1) == 0);
  }

  Map<String, Object> yaml() {
    return map(
        "action",
        action,
        "ipVersion",
        version == null ? null : version == IpVersion.V4 ? 4 : 6,
        "protocol",
        protocol,
        "notProtocol",
        notProtocol,
        "icmp",
        icmpYaml(icmp),
        "notICMP",
        icmpYaml(notIcmp),
        "source",
        source.yaml(),
        "destination",
        destination.yaml());
  }

  private static Map<String, Object> icmpYaml(List<Integer> typeAndCode) {
    return typeAndCode == null
        ? null
        : map(
            "type",
            typeAndCode.get(0),
            "code",
            typeAndCode.size() == 1 ? null : typeAndCode.get(1));
  }
}
