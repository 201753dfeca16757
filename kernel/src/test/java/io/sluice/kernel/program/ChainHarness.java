// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.program;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.bpf.BpfMap;
import io.sluice.kernel.bpf.BpfObject;
import io.sluice.kernel.bpf.Fd;
import io.sluice.kernel.bpf.SkbContext;
import io.sluice.kernel.bpf.TestRun;
import io.sluice.kernel.layout.Backend;
import io.sluice.kernel.layout.BackendGen;
import io.sluice.kernel.layout.Codec;
import io.sluice.kernel.layout.CtCleanStats;
import io.sluice.kernel.layout.CtJudged;
import io.sluice.kernel.layout.CtKey;
import io.sluice.kernel.layout.CtValue;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Frontend;
import io.sluice.kernel.layout.FrontendFlags;
import io.sluice.kernel.layout.FrontendKey;
import io.sluice.kernel.layout.Iface;
import io.sluice.kernel.layout.IfaceFlags;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.NodeState;
import io.sluice.kernel.layout.Route;
import io.sluice.kernel.layout.RouteFlags;
import io.sluice.kernel.layout.RouteKey;
import io.sluice.kernel.layout.Service;
import io.sluice.kernel.layout.ServiceFlags;
import io.sluice.kernel.layout.SluiceHook;
import io.sluice.kernel.layout.SluiceReason;
import io.sluice.kernel.packet.Packet;
import io.sluice.kernel.testing.TestNetns;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;

/**
 * A node of three pods, a, b and c, without anything but the programs and their maps: fills the
 * maps as an agent would, runs packets through the hooks, and follows them from hook to hook.
 */
final class ChainHarness implements AutoCloseable {
  static final int ALLOW_SLOT = 1;
  static final int DENY_SLOT = 2;

  /** For programs of a test's own. */
  static final int TEST_SLOT = 3;

  static final int READY = IfaceFlags.IFACE_READY4 | IfaceFlags.IFACE_READY6;
  static final int USUAL_FLAGS = IfaceFlags.IFACE_CONFIGURED | IfaceFlags.IFACE_WORKLOAD | READY;

  static final int LONGEST_PACKET = 3000;

  final Chain chain;
  final Pod a;
  final Pod b;
  final Pod c;
  final Map<Family, BpfMap<CtKey, CtValue>> ct = new EnumMap<>(Family.class);
  final Map<Family, BpfMap<FrontendKey, Frontend>> frontends = new EnumMap<>(Family.class);
  final Map<Family, BpfMap<Integer, Backend>> backends = new EnumMap<>(Family.class);
  final Map<Family, BpfMap<RouteKey, Route>> routes = new EnumMap<>(Family.class);
  final BpfMap<Integer, Service> services;
  final BpfMap<Integer, BackendGen> backendGen;
  final BpfMap<Integer, Iface> ifaces;
  final BpfMap<Integer, NodeState> node;
  private final TestNetns netns = TestNetns.create("program");
  private final TestRun[] runs = new TestRun[Chain.HOOKS];
  private final Map<Integer, Map<Integer, Long>> counted = new TreeMap<>();
  private Overlay overlay;
  private boolean debug;

  ChainHarness(Chain.Variant variant) {
    chain = new Chain(variant);
    for (int hook = 0; hook < Chain.HOOKS; hook++) {
      runs[hook] = new TestRun(chain.preamble(hook), LONGEST_PACKET);
    }
    for (Family family : Family.values()) {
      String n = Integer.toString(family.number());
      ct.put(family, chain.map("ct" + n, CtKey.codec(family), CtValue.codec(family)));
      frontends.put(
          family, chain.map("frontends" + n, FrontendKey.codec(family), Frontend.codec()));
      backends.put(family, chain.map("backends" + n, Codec.U32, Backend.codec(family)));
      routes.put(family, chain.map("routes" + n, RouteKey.codec(family), Route.codec(family)));
    }
    services = chain.map("services", Codec.U32, Service.codec());
    backendGen = chain.map("backend_gen", Codec.U32, BackendGen.codec());
    ifaces = chain.map("ifaces", Codec.U32, Iface.codec());
    node = chain.map("node", Codec.U32, NodeState.codec());
    a = pod("a", Net.of(Family.IPV4).a(), Net.of(Family.IPV6).a());
    b = pod("b", Net.of(Family.IPV4).b(), Net.of(Family.IPV6).b());
    c = pod("c", Net.of(Family.IPV4).c(), Net.of(Family.IPV6).c());
    reset();
  }

  /** Another interface, which nothing is configured for. */
  Pod pod(String name, Ip addr4, Ip addr6) {
    netns.sh(
        "ip link add name %1$s type veth peer name pod-%1$s && ip link set dev %1$s up"
            .formatted(name));
    String index = netns.sh("cat /sys/class/net/" + name + "/ifindex");
    return new Pod(name, Integer.parseInt(index.strip()), addr4, addr6);
  }

  List<Pod> pods() {
    return List.of(a, b, c);
  }

  /** As after start: no flow, no service, every pod ready and allowing all. */
  void reset() {
    debug = false;
    for (Family family : Family.values()) {
      for (BpfMap<?, ?> map :
          List.of(ct, frontends, backends, routes).stream()
              .map(byFamily -> byFamily.get(family))
              .toList()) {
        clear(map);
      }
    }
    clear(services);
    clear(backendGen);
    clear(ifaces);
    node.put(0, new NodeState(1, 0, 0, 0, 0, Ip.ANY4, Ip.ANY6));
    for (int hook = 0; hook < Chain.HOOKS; hook++) {
      chain.allowAll(hook, ALLOW_SLOT);
      chain.denyAll(hook, DENY_SLOT);
      chain.policies(hook).clear(TEST_SLOT);
      counted.put(hook, chain.counted(hook));
    }
    for (Pod pod : pods()) {
      configure(pod, USUAL_FLAGS, ALLOW_SLOT, ALLOW_SLOT);
      for (Family family : Family.values()) {
        addRoute(pod.addr(family), pod.ifindex());
      }
    }
    for (Family family : Family.values()) {
      Net net = Net.of(family);
      Ip remoteHost = Ip.parse(family == Family.IPV4 ? "192.168.102.2" : "fd00:100:2::2");
      routes
          .get(family)
          .put(
              new RouteKey(
                  family == Family.IPV4 ? 24 : 64,
                  net.remotePod().masked(family == Family.IPV4 ? 24 : 64)),
              new Route(RouteFlags.ROUTE_WORKLOAD | RouteFlags.ROUTE_IN_POOL, 0, remoteHost));
    }
  }

  /** From now on, until reset, this is a node of an overlay. */
  Overlay overlay() {
    if (overlay == null) {
      overlay = new Overlay(this);
    }
    return overlay.reset();
  }

  static <K> void clear(BpfMap<K, ?> map) {
    Collection<K> keys = new ArrayList<>();
    map.forEach((key, value) -> keys.add(key));
    map.removeAll(keys);
  }

  /** From now on packets take the debug variants. */
  void debug() {
    debug = true;
    for (Pod pod : pods()) {
      Iface now = ifaces.get(pod.ifindex()).orElseThrow();
      configure(pod, now.flags(), now.policySlot0(), now.policySlot1());
    }
  }

  /** Writes a pod's interface: slots are of host-ingress, then host-egress. */
  void configure(Pod pod, int flags, int slotIn, int slotOut) {
    int all = flags | (debug ? IfaceFlags.IFACE_DEBUG : 0);
    ifaces.put(
        pod.ifindex(),
        new Iface(all, slotIn, slotOut, 0, 0, pod.addr4(), pod.addr6(), pod.name(), 0));
  }

  /** A new flow from a pod, or to it, is denied. */
  void deny(Pod pod, int hook) {
    boolean in = hook == SluiceHook.HOOK_IN;
    configure(pod, USUAL_FLAGS, in ? DENY_SLOT : ALLOW_SLOT, in ? ALLOW_SLOT : DENY_SLOT);
  }

  void addRoute(Ip address, int ifindex) {
    int flags = RouteFlags.ROUTE_WORKLOAD | RouteFlags.ROUTE_LOCAL | RouteFlags.ROUTE_IN_POOL;
    routes
        .get(address.family())
        .put(
            new RouteKey(address.family().bits(), address),
            new Route(flags, ifindex, Ip.any(address.family())));
  }

  void removeRoute(Ip address) {
    routes.get(address.family()).removeAll(List.of(new RouteKey(address.family().bits(), address)));
  }

  /** Tells established flows that interfaces or routes have changed. */
  void bumpEpoch() {
    NodeState now = node.get(0).orElseThrow();
    setNode(now.tunnelIfindex(), now.tunnelVni(), now.tunnelMtu4(), now.tunnelMtu6());
  }

  /** Changes what the node knows of its tunnel, and tells established flows. */
  void setNode(int tunnelIfindex, int vni, int mtu4, int mtu6) {
    NodeState was = node.get(0).orElseThrow();
    int epoch = was.routeEpoch() + 1;
    node.put(0, new NodeState(epoch, tunnelIfindex, vni, mtu4, mtu6, was.addr4(), was.addr6()));
  }

  /** A backend to be: its ID names its generation, too. */
  record Target(Ip addr, int port, int id) {}

  /**
   * Adds a service, in the order that keeps SVC-3. Its span begins at 100 times its ID.
   *
   * @param id from 1
   */
  void addService(int id, Ip address, int port, int proto, Target... targets) {
    setBackends(id, 100 * id, address.family(), targets);
    frontends
        .get(address.family())
        .put(
            new FrontendKey(address, port, proto),
            new Frontend(id, FrontendFlags.FRONTEND_CLUSTER_IP));
    bumpGeneration(0);
  }

  /** Gives a service another span of backends; the former stays where it is. */
  void setBackends(int id, int base, Family family, Target... targets) {
    for (int i = 0; i < targets.length; i++) {
      Target target = targets[i];
      int gen = backendGen.get(target.id()).orElseThrow().gen();
      backends
          .get(family)
          .put(base + i, new Backend(target.addr(), target.port(), 0, id, target.id(), gen));
    }
    int flags =
        ServiceFlags.SERVICE_IN_USE | (family == Family.IPV6 ? ServiceFlags.SERVICE_IPV6 : 0);
    services.put(id, new Service(base, targets.length, 0, flags, 0, 0x1000L + id));
  }

  /** A backend, or for 0 the set of frontends, is no longer what flows knew. */
  void bumpGeneration(int backend) {
    backendGen.put(backend, new BackendGen(backendGen.get(backend).orElseThrow().gen() + 1));
  }

  /** Runs a shell command where the pods' interfaces are. */
  String sh(String command) {
    return netns.sh(command);
  }

  /** Runs a task on a thread that sees the pods' interfaces. */
  <T> T inNamespace(Callable<T> task) {
    return netns.netns().run(task);
  }

  /** The run of a hook, for callers within {@link #inNamespace}. */
  TestRun hookRun(int hook) {
    return runs[hook];
  }

  /** Runs a packet through one hook, and checks that it was counted once. */
  Outcome run(int hook, Pod pod, byte[] frame, int mark) {
    return run(hook, pod.ifindex(), frame, mark);
  }

  Outcome run(int hook, int ifindex, byte[] frame, int mark) {
    return run(hook, frame, SkbContext.EMPTY.onInterface(ifindex).withMark(mark));
  }

  Outcome run(int hook, byte[] frame, SkbContext context) {
    return run(runs[hook], hook, frame, context);
  }

  /** The same by a run that enters the hook's programs in a way of its own. */
  Outcome run(TestRun own, int hook, byte[] frame, SkbContext context) {
    return inNamespace(
        () -> {
          TestRun run = own.packet(frame).context(context);
          int verdict = run.run(1);
          return new Outcome(verdict, newReason(hook), run.output(), run.contextAfter().mark());
        });
  }

  /** The one reason under which a packet has been counted since the last call. */
  int newReason(int hook) {
    Map<Integer, Long> before = counted.get(hook);
    Map<Integer, Long> now = chain.counted(hook);
    counted.put(hook, now);
    List<Integer> grown = new ArrayList<>();
    now.forEach(
        (reason, packets) -> {
          for (long n = before.getOrDefault(reason, 0L); n < packets; n++) {
            grown.add(reason);
          }
        });
    assertThat(grown.stream().map(SluiceReason::name)).as("reasons counted").hasSize(1);
    return grown.get(0);
  }

  /** A pod sends; the packet goes as far as the programs bring it. */
  Life send(Pod from, byte[] frame) {
    return follow(run(SluiceHook.HOOK_IN, from, frame, 0), from);
  }

  /** What becomes of a packet after host-ingress of the interface where it came in. */
  Life follow(Outcome out, Pod from) {
    if (out.verdict() == Outcome.SHOT) {
      return new Life(List.of(out), Life.NOWHERE);
    } else if (out.verdict() == Outcome.UNSPEC) {
      return new Life(List.of(out), Life.STACK);
    }
    assertThat(out.verdict()).isEqualTo(Outcome.REDIRECT);
    return switch (out.reason()) {
      case SluiceReason.REASON_PEER -> new Life(List.of(out), ownerOf(out.packet()).name());
      case SluiceReason.REASON_TUNNEL, SluiceReason.REASON_FORWARD, SluiceReason.REASON_BOUNCE ->
          new Life(List.of(out), Life.TUNNEL);
      case SluiceReason.REASON_OUT -> new Life(List.of(out), Life.OUT);
      case SluiceReason.REASON_LOOPBACK -> new Life(List.of(out), Life.LOOPBACK);
      case SluiceReason.REASON_REFUSED_RST,
          SluiceReason.REASON_REFUSED_ICMP,
          SluiceReason.REASON_TTL_ANSWER,
          SluiceReason.REASON_TOO_BIG ->
          arrive(List.of(out), from, out);
      default -> arrive(List.of(out), ownerOf(out.packet()), out);
    };
  }

  /** The host stack, or the host itself, sends a packet to a pod. */
  Life fromStack(Pod to, byte[] frame, int mark) {
    Outcome out = run(SluiceHook.HOOK_OUT, to, frame, mark);
    return new Life(List.of(out), out.dropped() ? Life.NOWHERE : to.name());
  }

  private Life arrive(List<Outcome> steps, Pod to, Outcome last) {
    Life end = fromStack(to, last.frame(), last.mark());
    List<Outcome> all = new ArrayList<>(steps);
    all.addAll(end.steps());
    return new Life(all, end.place());
  }

  private Pod ownerOf(Packet packet) {
    return pods().stream()
        .filter(pod -> pod.addr(packet.family()).equals(packet.destination()))
        .findFirst()
        .orElseThrow(() -> new AssertionError("redirected to nobody: " + packet));
  }

  /** Has the in-kernel cleaner judge entries; returns what it did. */
  CtCleanStats clean(Family family, Map<CtKey, CtJudged> judged) {
    String n = Integer.toString(family.number());
    try (BpfObject object = chain.loadAlong("ct_clean" + n);
        Fd program = object.programFd("ct_clean");
        BpfMap<CtKey, CtJudged> queue =
            new BpfMap<>(
                "ct_clean",
                object.mapFd("ct_clean" + n),
                CtKey.codec(family),
                CtJudged.codec(family));
        BpfMap<Integer, CtCleanStats> stats =
            new BpfMap<>(
                "stats", object.mapFd("ct_clean_stats"), Codec.U32, CtCleanStats.codec())) {
      stats.put(0, new CtCleanStats(0, 0, 0));
      queue.putAll(judged);
      TestRun.once(program, new byte[64], null);
      assertThat(queue.get(judged.keySet().iterator().next())).as("the queue").isEmpty();
      return stats.get(0).orElseThrow();
    }
  }

  Map<CtKey, CtValue> entries(Family family) {
    Map<CtKey, CtValue> all = new java.util.HashMap<>();
    ct.get(family).forEach(all::put);
    return all;
  }

  @Override
  public void close() {
    if (overlay != null) {
      overlay.close();
    }
    chain.close();
    netns.close();
  }
}
