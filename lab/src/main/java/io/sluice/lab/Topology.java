// SPDX-License-Identifier: Apache-2.0
package io.sluice.lab;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * What a lab consists of. Everything that is not here (addresses, interface names) follows from it:
 * see {@link Addresses}. There is always one router, between the nodes and the clients.
 *
 * @param nodes at least one
 * @param pods in the order in which each node's addresses are handed out
 * @param clients the hosts outside the cluster; one, if nothing is said
 * @param links what holds for all links that say nothing else
 * @param overlay how pods of different nodes reach each other
 * @param source where agents have their resources from
 * @param loadBalancers the networks, of both families, whose addresses the router spreads over the
 *     nodes, by the flow: addresses of load balancers, and external ones
 * @param settings of every agent, as its file has them: bpfExternalServiceMode, …
 * @param namespaces those with labels; what pods are in besides has none of its own
 */
public record Topology(
    List<Node> nodes,
    List<Pod> pods,
    List<Client> clients,
    Links links,
    Overlay overlay,
    Source source,
    List<String> loadBalancers,
    Map<String, String> settings,
    List<Namespace> namespaces) {
  /** The largest node number that the underlay's addresses have room for. */
  public static final int MAX_NODES = 150;

  /** The largest number of pods on a node that its /24 has room for. */
  public static final int MAX_PODS = 250;

  private static final Pattern NODE_NAME = Pattern.compile("node([1-9][0-9]{0,2})");
  private static final Pattern CLIENT_NAME = Pattern.compile("client[2-9]?");
  private static final Pattern RATE = Pattern.compile("[1-9][0-9]{0,5}(kbit|mbit|gbit)");
  private static final Pattern SIZE = Pattern.compile("[1-9][0-9]{0,5}[kmg]");
  private static final Pattern NETWORK = Pattern.compile("[0-9a-f.:]+/[0-9]{1,3}");
  private static final Pattern SETTING = Pattern.compile("[a-z][A-Za-z0-9]*");
  private static final Pattern PORT = Pattern.compile("[1-9][0-9]{0,4}/(tcp|udp|sctp)");
  private static final Pattern LABEL = Pattern.compile("[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?");

  /** Of a network namespace, so that it also fits with the lab's name before it. */
  private static final int MAX_NAME = 200;

  public Topology {
    nodes = nodes == null ? List.of() : List.copyOf(nodes);
    pods = pods == null ? List.of() : List.copyOf(pods);
    clients =
        clients == null || clients.isEmpty()
            ? List.of(new Client("client", null, null))
            : List.copyOf(clients);
    links = links == null ? new Links(null, null) : links;
    overlay = overlay == null ? Overlay.NONE : overlay;
    source = source == null ? Source.FILE : source;
    loadBalancers =
        loadBalancers == null
            ? List.of(Addresses.BALANCER_CIDR4, Addresses.BALANCER_CIDR6)
            : List.copyOf(loadBalancers);
    settings = settings == null ? Map.of() : Map.copyOf(settings);
    namespaces = namespaces == null ? List.of() : List.copyOf(namespaces);
    validate(nodes, pods, clients);
    for (int i = 0; i < loadBalancers.size(); i++) {
      if (!NETWORK.matcher(loadBalancers.get(i)).matches()) {
        throw new Fault("not a network: " + loadBalancers.get(i), "loadBalancers", i);
      }
    }
    for (String key : settings.keySet()) {
      if (!SETTING.matcher(key).matches()) {
        throw new Fault("not a setting: " + key, "settings", key);
      }
    }
  }

  /** Nodes and pods, and for the rest what holds if nothing is said. */
  public Topology(List<Node> nodes, List<Pod> pods) {
    this(nodes, pods, null, null);
  }

  /** The same, with these clients and links. */
  public Topology(List<Node> nodes, List<Pod> pods, List<Client> clients, Links links) {
    this(nodes, pods, clients, links, null, null, null, null, null);
  }

  /** How a packet between pods of two nodes crosses the underlay. */
  public enum Overlay {
    /** As it is: the router has routes to the pods of each node. */
    @JsonProperty("none")
    NONE("Never"),
    /**
     * In VXLAN, where the nodes' subnets differ, as here they always do; the router knows no pods.
     */
    @JsonProperty("cross-subnet")
    CROSS_SUBNET("CrossSubnet"),
    /** In VXLAN always; the router knows no pods. */
    @JsonProperty("vxlan")
    VXLAN("Always");

    private final String vxlanMode;

    Overlay(String vxlanMode) {
      this.vxlanMode = vxlanMode;
    }

    /** The field of the lab's IPPools. */
    String vxlanMode() {
      return vxlanMode;
    }
  }

  /** Where agents have their resources from. */
  public enum Source {
    /** The lab's folder of manifests, which each agent reads for itself. */
    @JsonProperty("file")
    FILE,
    /** What the nodes share, behind {@code sluice apply}. */
    @JsonProperty("cluster")
    CLUSTER
  }

  /**
   * A node.
   *
   * @param name node1, node2, …: the number gives the node's addresses
   * @param labels of the Node resource
   * @param mtu of its underlay link, in bytes
   * @param rate of its underlay link in each direction, as 100mbit; unlimited if not said
   * @param dataSize of the agent's data folder, as 64m, which then is a file system of its own in
   *     memory: what it holds survives the agent, and goes with the lab
   */
  public record Node(
      String name, Map<String, String> labels, Integer mtu, String rate, String dataSize) {
    public Node {
      labels = labels == null ? Map.of() : Map.copyOf(labels);
      checkMtu("nodes", mtu);
      checkRate("nodes", rate);
      if (dataSize != null && !SIZE.matcher(dataSize).matches()) {
        throw new Fault("dataSize must be a number and k, m or g, not " + dataSize, "nodes");
      }
    }

    /** A node with nothing said of it but its name. */
    public static Node named(String name) {
      return new Node(name, null, null, null, null);
    }

    /** The same node with a data folder of a size of its own. */
    public Node withDataSize(String size) {
      return new Node(name, labels, mtu, rate, size);
    }

    /** The number in its name, from 1. */
    public int number() {
      return Integer.parseInt(name.substring("node".length()));
    }
  }

  /**
   * A pod.
   *
   * @param namespace its Kubernetes namespace; by default {@code default}
   * @param node where it runs
   * @param labels of the Pod resource
   * @param ports on which its server listens with TCP and UDP; by default 8080 and 5353
   * @param server whether the pod server runs in it; by default it does
   * @param mtu of its veth pair, in bytes
   * @param serviceAccount by default {@code default}
   * @param namedPorts what its manifest calls its ports: name to number and protocol, as {@code
   *     80/tcp}
   */
  public record Pod(
      String namespace,
      String name,
      String node,
      Map<String, String> labels,
      List<Integer> ports,
      Boolean server,
      Integer mtu,
      String serviceAccount,
      Map<String, String> namedPorts) {
    /** What a pod serves that says nothing else. */
    public static final List<Integer> DEFAULT_PORTS = List.of(8080, 5353);

    public Pod {
      namespace = namespace == null ? "default" : namespace;
      labels = labels == null ? Map.of() : Map.copyOf(labels);
      ports = ports == null ? DEFAULT_PORTS : List.copyOf(ports);
      server = server == null || server;
      serviceAccount = serviceAccount == null ? "default" : serviceAccount;
      namedPorts = namedPorts == null ? Map.of() : Map.copyOf(namedPorts);
      checkMtu("pods", mtu);
      for (Map.Entry<String, String> port : namedPorts.entrySet()) {
        if (!PORT.matcher(port.getValue()).matches()) {
          throw new Fault(port.getKey() + ": not as 80/tcp: " + port.getValue(), "pods");
        }
      }
    }

    /** A pod with a server and nothing special, in the namespace {@code default}. */
    public static Pod of(String name, String node, Map<String, String> labels) {
      return new Pod(null, name, node, labels, null, null, null, null, null);
    }

    /** The same with other labels. */
    public Pod withLabels(Map<String, String> other) {
      return new Pod(namespace, name, node, other, ports, server, mtu, serviceAccount, namedPorts);
    }

    /** The same under another service account. */
    public Pod withServiceAccount(String other) {
      return new Pod(namespace, name, node, labels, ports, server, mtu, other, namedPorts);
    }

    /** Namespace and name, as the pod server says it. */
    public String id() {
      return namespace + "/" + name;
    }
  }

  /**
   * A namespace of pods.
   *
   * @param labels besides {@code kubernetes.io/metadata.name}, which it has anyway
   */
  public record Namespace(String name, Map<String, String> labels) {
    public Namespace {
      labels = labels == null ? Map.of() : Map.copyOf(labels);
      if (name == null || !LABEL.matcher(name).matches()) {
        throw new Fault("not a namespace: " + name, "namespaces");
      }
    }
  }

  /**
   * A host outside.
   *
   * @param name client, or client2 to client9: the number gives its addresses
   * @param mtu of its link, in bytes
   * @param rate of its link in each direction, as 100mbit; unlimited if not said
   */
  public record Client(String name, Integer mtu, String rate) {
    public Client {
      checkMtu("clients", mtu);
      checkRate("clients", rate);
    }

    /** The number in its name; that of {@code client} is 1. */
    public int number() {
      return name.equals("client") ? 1 : Integer.parseInt(name.substring("client".length()));
    }
  }

  /**
   * Defaults of all links.
   *
   * @param mtu in bytes; 1500 if not said
   * @param rate of the underlay's, in each direction, as 100mbit; unlimited if not said
   */
  public record Links(Integer mtu, String rate) {
    public Links {
      checkMtu("links", mtu);
      checkRate("links", rate);
      mtu = mtu == null ? 1500 : mtu;
    }
  }

  /** A fault in a topology: where it is, as a path of field names and indices, and what it is. */
  static final class Fault extends IllegalArgumentException {
    private static final long serialVersionUID = 1L;
    private final transient List<Object> path;

    Fault(String reason, Object... path) {
      super(reason);
      this.path = List.of(path);
    }

    List<Object> path() {
      return path == null ? List.of() : path;
    }
  }

  /**
   * The default: node1 with the pods client, web-1, web-2 and web-3, and each further node with two
   * web pods and a client of its own, all in the namespace {@code default}.
   *
   * @throws LabException if there is no room for so many
   */
  public static Topology standard(int nodeCount) {
    if (nodeCount < 1 || nodeCount > MAX_NODES) {
      throw new LabException("the number of nodes must be 1 to " + MAX_NODES);
    }
    List<Node> nodes = new ArrayList<>();
    List<Pod> pods = new ArrayList<>();
    int web = 1;
    for (int i = 1; i <= nodeCount; i++) {
      String node = "node" + i;
      nodes.add(Node.named(node));
      pods.add(pod(i == 1 ? "client" : "client-" + i, node, "client"));
      for (int k = 0; k < (i == 1 ? 3 : 2); k++) {
        pods.add(pod("web-" + web++, node, "web"));
      }
    }
    return new Topology(nodes, pods);
  }

  /** The same with another overlay. */
  public Topology with(Overlay other) {
    return new Topology(
        nodes, pods, clients, links, other, source, loadBalancers, settings, namespaces);
  }

  /** The same with resources from elsewhere. */
  public Topology with(Source other) {
    return new Topology(
        nodes, pods, clients, links, overlay, other, loadBalancers, settings, namespaces);
  }

  /** The same with these settings of all agents besides. */
  public Topology withSettings(Map<String, String> more) {
    Map<String, String> all = new TreeMap<>(settings);
    all.putAll(more);
    return new Topology(
        nodes, pods, clients, links, overlay, source, loadBalancers, all, namespaces);
  }

  /** The same with a data folder of that size, as 64m, on each node. */
  public Topology withDataSize(String size) {
    List<Node> sized = nodes.stream().map(n -> n.withDataSize(size)).toList();
    return new Topology(
        sized, pods, clients, links, overlay, source, loadBalancers, settings, namespaces);
  }

  /** The same hosts with other pods, or the same by other labels. */
  public Topology withPods(List<Pod> other) {
    return new Topology(
        nodes, other, clients, links, overlay, source, loadBalancers, settings, namespaces);
  }

  /** The same with these namespaces' labels. */
  public Topology withNamespaces(List<Namespace> other) {
    return new Topology(
        nodes, pods, clients, links, overlay, source, loadBalancers, settings, other);
  }

  /**
   * Reads a YAML file.
   *
   * @throws LabException naming file, line and field, if it is not a topology
   */
  public static Topology read(Path file) {
    return TopologyReader.read(file);
  }

  /** The node of that name. */
  public Node node(String name) {
    return nodes.stream().filter(n -> n.name().equals(name)).findFirst().orElseThrow();
  }

  /** A node's pods, in the order of their addresses. */
  public List<Pod> podsOf(Node node) {
    return pods.stream().filter(p -> p.node().equals(node.name())).toList();
  }

  /** The MTU of a link, in bytes, given what was said for it alone. */
  public int mtu(Integer own) {
    return own == null ? links.mtu() : own;
  }

  /** The rate of an underlay link, given what was said for it alone; null: unlimited. */
  String rate(String own) {
    return own == null ? links.rate() : own;
  }

  private static Pod pod(String name, String node, String app) {
    return Pod.of(name, node, Map.of("app", app));
  }

  private static void checkMtu(String where, Integer mtu) {
    // Below 1280 there is no IPv6; above 65535 no veth.
    if (mtu != null && (mtu < 1280 || mtu > 65535)) {
      throw new Fault("mtu must be 1280 to 65535, not " + mtu, where);
    }
  }

  private static void checkRate(String where, String rate) {
    if (rate != null && !RATE.matcher(rate).matches()) {
      throw new Fault("rate must be a number and kbit, mbit or gbit, not " + rate, where);
    }
  }

  private static void validate(List<Node> nodes, List<Pod> pods, List<Client> clients) {
    for (int i = 0; i < clients.size(); i++) {
      String name = clients.get(i).name();
      if (name == null || !CLIENT_NAME.matcher(name).matches()) {
        throw new Fault("a client is named client, client2, …, not " + name, "clients", i, "name");
      }
      if (clients.subList(0, i).stream().anyMatch(c -> c.name().equals(name))) {
        throw new Fault("there are two clients named " + name, "clients", i, "name");
      }
    }
    if (nodes.isEmpty()) {
      throw new Fault("at least one node is needed", "nodes");
    }
    Set<String> names = new HashSet<>();
    for (int i = 0; i < nodes.size(); i++) {
      String name = nodes.get(i).name();
      if (name == null || !NODE_NAME.matcher(name).matches()) {
        throw new Fault("a node is named node1, node2, …, not " + name, "nodes", i, "name");
      }
      if (nodes.get(i).number() > MAX_NODES) {
        throw new Fault("the last possible node is node" + MAX_NODES, "nodes", i, "name");
      }
      if (!names.add(name)) {
        throw new Fault("there are two nodes named " + name, "nodes", i, "name");
      }
    }
    Map<String, String> hosts = new TreeMap<>();
    Map<String, Integer> perNode = new TreeMap<>();
    for (int i = 0; i < pods.size(); i++) {
      validate(i, pods.get(i), names);
      Pod pod = pods.get(i);
      String other = hosts.put(pod.namespace() + "-" + pod.name(), pod.id());
      if (other != null) {
        throw new Fault("pods " + other + " and " + pod.id() + " get one name", "pods", i, "name");
      }
      if (perNode.merge(pod.node(), 1, Integer::sum) > MAX_PODS) {
        throw new Fault("a node has room for " + MAX_PODS + " pods", "pods", i, "node");
      }
    }
  }

  private static void validate(int i, Pod pod, Set<String> nodes) {
    if (!LABEL.matcher(pod.namespace()).matches()) {
      throw new Fault("not a namespace: " + pod.namespace(), "pods", i, "namespace");
    }
    if (pod.name() == null
        || !LABEL.matcher(pod.name()).matches()
        || pod.id().length() > MAX_NAME) {
      throw new Fault("not a pod's name: " + pod.name(), "pods", i, "name");
    }
    if (!nodes.contains(pod.node())) {
      throw new Fault("there is no node " + pod.node(), "pods", i, "node");
    }
    for (int k = 0; k < pod.ports().size(); k++) {
      Integer port = pod.ports().get(k);
      if (port < 1 || port > 65535) {
        throw new Fault("not a port: " + port, "pods", i, "ports", k);
      }
    }
    if (pod.ports().size() > 32) {
      throw new Fault("a pod serves 32 ports at most", "pods", i, "ports");
    }
  }
}
