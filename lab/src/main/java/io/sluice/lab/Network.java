// SPDX-License-Identifier: Apache-2.0
package io.sluice.lab;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Builds and removes the namespaces and what connects them. What a container network interface
 * (CNI) plugin would do is done here: the veth pair, the pod's addresses, its default routes. The
 * host side of a pod is the agent's.
 */
final class Network {
  private static final int AT_ONCE = 4;
  private static final Pattern NETNS_LINE = Pattern.compile("^(\\S+)");

  /** Of a link with a rate: what may go at once, as large as a packet before segmentation. */
  private static final String BURST = "64kb";

  /** Of a link with a rate: the longest that a packet waits before later ones are dropped. */
  private static final String QUEUE = "100ms";

  /** No waiting for duplicate address detection, and none of it in any namespace of the lab. */
  private static final List<String> ALL_SYSCTLS =
      List.of("ipv6/conf/all/accept_dad=0", "ipv6/conf/default/accept_dad=0");

  private static final List<String> FORWARDING =
      List.of("ipv4/ip_forward=1", "ipv6/conf/all/forwarding=1");

  /**
   * Of the router: flows are spread by addresses, protocol and ports, and what nodes send with
   * addresses of others, such as answers on behalf of a load balancer, is not held against them.
   */
  private static final List<String> SPREADING =
      List.of(
          "ipv4/fib_multipath_hash_policy=1",
          "ipv6/fib_multipath_hash_policy=1",
          "ipv4/conf/all/rp_filter=0",
          "ipv4/conf/default/rp_filter=0");

  /** So that thousands of connections a second do not run out of ports for being remembered. */
  private static final List<String> MANY_CONNECTIONS =
      List.of("ipv4/tcp_tw_reuse=1", "ipv4/ip_local_port_range=10000 65000");

  private final LabNames names;
  private final Topology topology;

  Network(LabNames names, Topology topology) {
    this.names = names;
    this.topology = topology;
  }

  /** The namespaces of this lab that exist, whatever topology they were made for. */
  static List<String> existing(LabNames names) {
    return Shell.run("ip", "netns", "list")
        .lines()
        .map(NETNS_LINE::matcher)
        .filter(Matcher::find)
        .map(m -> m.group(1))
        .filter(names::owns)
        .toList();
  }

  /** The namespaces that the topology wants: router, client, nodes, pods. */
  List<String> hosts() {
    List<String> hosts = new ArrayList<>(List.of(names.host("router")));
    topology.clients().forEach(c -> hosts.add(names.host(c.name())));
    topology.nodes().forEach(n -> hosts.add(names.host(n)));
    topology.pods().forEach(p -> hosts.add(names.host(p)));
    return hosts;
  }

  /** Makes everything; nothing of it may be there yet. */
  void build() {
    Shell.ipBatch(null, hosts().stream().map(h -> "netns add " + h).toList());
    Map<String, List<String>> sysctls = new LinkedHashMap<>();
    Map<String, List<String>> links = new LinkedHashMap<>();
    Map<String, List<String>> addresses = new LinkedHashMap<>();
    router(sysctls, addresses);
    topology.clients().forEach(client -> client(client, sysctls, links, addresses));
    topology.nodes().forEach(node -> node(node, sysctls, links, addresses));
    topology.pods().forEach(pod -> pod(pod, sysctls, addresses));
    each(sysctls.keySet().stream().toList(), host -> setSysctls(host, sysctls.get(host)));
    // Both ends of a pair must be up before either has a route through it.
    each(List.copyOf(links.keySet()), host -> Shell.ipBatch(host, links.get(host)));
    each(hosts(), host -> Shell.ipBatch(host, linksUp(host)));
    each(List.copyOf(addresses.keySet()), host -> Shell.ipBatch(host, addresses.get(host)));
    rates().forEach(this::limit);
  }

  /** The rates of the hosts whose links have one. */
  private Map<String, String> rates() {
    Map<String, String> rates = new LinkedHashMap<>();
    topology.nodes().forEach(n -> rates.put(n.name(), topology.rate(n.rate())));
    topology.clients().forEach(c -> rates.put(c.name(), topology.rate(c.rate())));
    rates.values().removeIf(rate -> rate == null);
    return rates;
  }

  /**
   * Gives both directions of a host's underlay link a rate.
   *
   * @param rate as tc takes it; null: as fast as it goes
   */
  void limit(String host, String rate) {
    limit(names.host(host), Addresses.INTERFACE, rate);
    limit(names.host("router"), host, rate);
  }

  private static void limit(String namespace, String device, String rate) {
    List<String> tc = List.of("tc", "-n", namespace, "qdisc");
    if (rate == null) {
      // Nothing to delete where none was set.
      Shell.attempt(join(tc, List.of("del", "dev", device, "root")), "");
      return;
    }
    List<String> bucket = List.of("tbf", "rate", rate, "burst", BURST, "latency", QUEUE);
    Shell.run(join(join(tc, List.of("replace", "dev", device, "root")), bucket), "");
  }

  /** Gives a host's link the rate that the topology says. */
  void unlimit(String host) {
    limit(host, rates().get(host));
  }

  private void router(Map<String, List<String>> sysctls, Map<String, List<String>> addresses) {
    String host = names.host("router");
    sysctls.put(host, join(join(ALL_SYSCTLS, FORWARDING), SPREADING));
    List<String> lines = new ArrayList<>();
    for (Topology.Client client : topology.clients()) {
      address(
          lines,
          Addresses.clientGateway4(client) + "/24",
          Addresses.clientGateway6(client) + "/64",
          client.name());
    }
    for (Topology.Node node : topology.nodes()) {
      address(
          lines,
          Addresses.nodeGateway4(node) + "/24",
          Addresses.nodeGateway6(node) + "/64",
          node.name());
      if (topology.overlay() == Topology.Overlay.NONE) {
        lines.add("route add " + Addresses.podCidr4(node) + " via " + Addresses.node4(node));
        lines.add("route add " + Addresses.podCidr6(node) + " via " + Addresses.node6(node));
      }
    }
    lines.addAll(spreading(topology.nodes()));
    addresses.put(host, lines);
  }

  /** Has the router spread flows to addresses of load balancers over these nodes, and no others. */
  void spread(List<Topology.Node> nodes) {
    Shell.ipBatch(names.host("router"), spreading(nodes));
  }

  private List<String> spreading(List<Topology.Node> nodes) {
    List<String> lines = new ArrayList<>();
    for (String network : topology.loadBalancers()) {
      StringBuilder line = new StringBuilder("route replace ").append(network);
      if (nodes.isEmpty()) {
        line.insert("route replace ".length(), "unreachable ");
      }
      for (Topology.Node node : nodes) {
        boolean v6 = network.contains(":");
        line.append(nodes.size() == 1 ? " via " : " nexthop via ")
            .append(v6 ? Addresses.node6(node) : Addresses.node4(node))
            .append(" dev ")
            .append(node.name());
      }
      lines.add(line.toString());
    }
    return lines;
  }

  private void client(
      Topology.Client client,
      Map<String, List<String>> sysctls,
      Map<String, List<String>> links,
      Map<String, List<String>> addresses) {
    String host = names.host(client.name());
    sysctls.put(host, join(ALL_SYSCTLS, MANY_CONNECTIONS));
    links.put(host, List.of(underlay(client.name(), topology.mtu(client.mtu()))));
    List<String> lines = new ArrayList<>();
    address(
        lines,
        Addresses.client4(client) + "/24",
        Addresses.client6(client) + "/64",
        Addresses.INTERFACE);
    lines.add("route add default via " + Addresses.clientGateway4(client));
    lines.add("route add default via " + Addresses.clientGateway6(client));
    addresses.put(host, lines);
  }

  private void node(
      Topology.Node node,
      Map<String, List<String>> sysctls,
      Map<String, List<String>> links,
      Map<String, List<String>> addresses) {
    String host = names.host(node);
    sysctls.put(host, join(ALL_SYSCTLS, FORWARDING));
    List<String> pairs = new ArrayList<>();
    pairs.add(underlay(node.name(), topology.mtu(node.mtu())));
    topology.podsOf(node).forEach(pod -> pairs.add(pair(pod)));
    links.put(host, pairs);
    List<String> lines = new ArrayList<>();
    address(
        lines, Addresses.node4(node) + "/24", Addresses.node6(node) + "/64", Addresses.INTERFACE);
    lines.add("route add default via " + Addresses.nodeGateway4(node));
    lines.add("route add default via " + Addresses.nodeGateway6(node));
    addresses.put(host, lines);
  }

  private void pod(
      Topology.Pod pod, Map<String, List<String>> sysctls, Map<String, List<String>> addresses) {
    String host = names.host(pod);
    sysctls.put(host, join(ALL_SYSCTLS, MANY_CONNECTIONS));
    addresses.put(host, podAddresses(pod));
  }

  private List<String> podAddresses(Topology.Pod pod) {
    List<String> lines = new ArrayList<>();
    address(
        lines,
        Addresses.pod4(topology, pod) + "/32",
        Addresses.pod6(topology, pod) + "/128",
        Addresses.INTERFACE);
    String dev = " dev " + Addresses.INTERFACE;
    lines.add("route add " + Addresses.POD_GATEWAY4 + dev + " scope link");
    lines.add("route add default via " + Addresses.POD_GATEWAY4 + dev);
    lines.add("route add default via " + Addresses.POD_GATEWAY6 + dev);
    return lines;
  }

  /** The pair between a pod's eth0 and its host side. */
  private String pair(Topology.Pod pod) {
    return pair(pod, Addresses.hostInterface(pod));
  }

  private String pair(Topology.Pod pod, String hostSide) {
    int mtu = topology.mtu(pod.mtu());
    return "link add "
        + hostSide
        + (" address " + Addresses.HOST_SIDE_MAC + " mtu " + mtu + " type veth peer name ")
        + (Addresses.INTERFACE + " address " + Addresses.podMac(topology, pod))
        + (" mtu " + mtu + " netns " + names.host(pod));
  }

  /** Makes the link of a pod whose namespace is there without one. */
  void plug(Topology.Pod pod, String hostSide) {
    String node = names.host(topology.node(pod.node()));
    Shell.ipBatch(node, List.of(pair(pod, hostSide)));
    Shell.ipBatch(names.host(pod), linksUp(names.host(pod)));
    Shell.ipBatch(node, List.of("link set " + hostSide + " up"));
    Shell.ipBatch(names.host(pod), podAddresses(pod));
  }

  /** Takes a pod's link away; what runs in the pod stays. */
  void unplug(Topology.Pod pod) {
    Shell.ipBatch(names.host(pod), List.of("link del " + Addresses.INTERFACE));
  }

  /** The pair between a host's eth0 and the router's interface of that name. */
  private String underlay(String routerInterface, int mtu) {
    return "link add "
        + (Addresses.INTERFACE + " mtu " + mtu + " type veth peer name " + routerInterface)
        + (" mtu " + mtu + " netns " + names.host("router"));
  }

  private List<String> linksUp(String host) {
    List<String> lines = new ArrayList<>(List.of("link set lo up"));
    if (host.equals(names.host("router"))) {
      topology.clients().forEach(c -> lines.add("link set " + c.name() + " up"));
      topology.nodes().forEach(n -> lines.add("link set " + n.name() + " up"));
      return lines;
    }
    lines.add("link set " + Addresses.INTERFACE + " up");
    for (Topology.Node node : topology.nodes()) {
      if (host.equals(names.host(node))) {
        topology
            .podsOf(node)
            .forEach(p -> lines.add("link set " + Addresses.hostInterface(p) + " up"));
      }
    }
    return lines;
  }

  private static void address(List<String> lines, String v4, String v6, String dev) {
    lines.add("addr add " + v4 + " dev " + dev);
    lines.add("addr add " + v6 + " dev " + dev + " nodad");
  }

  private static void setSysctls(String host, List<String> settings) {
    StringBuilder script = new StringBuilder("set -e\n");
    for (String setting : settings) {
      int equals = setting.indexOf('=');
      script
          .append("echo '")
          .append(setting.substring(equals + 1))
          .append("' >/proc/sys/net/")
          .append(setting, 0, equals)
          .append('\n');
    }
    Shell.run(List.of("nsenter", "--net=/run/netns/" + host, "sh"), script.toString());
  }

  /**
   * Removes every namespace of a lab, and kills the processes in them, which would keep them alive
   * without a name.
   */
  static void remove(LabNames names) {
    List<String> hosts = existing(names);
    for (String host : hosts) {
      // A name without its mount, left by a crash, has no processes to ask for.
      Shell.Result pids = Shell.attempt("ip", "netns", "pids", host);
      if (pids.ok() && !pids.output().isEmpty()) {
        List<String> kill = new ArrayList<>(List.of("kill", "-KILL", "--"));
        pids.output().lines().forEach(kill::add);
        Shell.attempt(kill, "");
      }
    }
    Shell.ipBatch(null, hosts.stream().map(h -> "netns del " + h).toList());
  }

  private static List<String> join(List<String> first, List<String> second) {
    List<String> all = new ArrayList<>(first);
    all.addAll(second);
    return all;
  }

  /** Does something for each host, a few at once; all have been tried before it fails. */
  static <T> void each(List<T> hosts, Consumer<T> work) {
    ExecutorService workers = Executors.newFixedThreadPool(AT_ONCE);
    try {
      List<Future<?>> pending = new ArrayList<>();
      hosts.forEach(host -> pending.add(workers.submit(() -> work.accept(host))));
      LabException failure = null;
      for (Future<?> one : pending) {
        try {
          one.get();
        } catch (ExecutionException e) {
          if (e.getCause() instanceof LabException known) {
            failure = known;
          } else {
            throw new LabException("unexpected: " + e.getCause(), e);
          }
        }
      }
      if (failure != null) {
        throw failure;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new LabException("interrupted", e);
    } finally {
      workers.shutdownNow();
      awaitEnd(workers);
    }
  }

  /** A worker that was told to stop ends with the command that it runs. */
  private static void awaitEnd(ExecutorService workers) {
    try {
      if (!workers.awaitTermination(5, TimeUnit.SECONDS)) {
        throw new LabException("a command of the lab does not end");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
