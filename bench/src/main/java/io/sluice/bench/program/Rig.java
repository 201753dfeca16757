// SPDX-License-Identifier: Apache-2.0
package io.sluice.bench.program;

import io.sluice.kernel.asm.PolicyPrograms;
import io.sluice.kernel.bpf.Bpf;
import io.sluice.kernel.bpf.BpfMap;
import io.sluice.kernel.bpf.BpfObject;
import io.sluice.kernel.bpf.Fd;
import io.sluice.kernel.bpf.ProgramArray;
import io.sluice.kernel.bpf.ProgramInfo;
import io.sluice.kernel.bpf.SkbContext;
import io.sluice.kernel.bpf.TestRun;
import io.sluice.kernel.dataplane.DataplaneLoader;
import io.sluice.kernel.dataplane.DataplaneOptions;
import io.sluice.kernel.layout.Backend;
import io.sluice.kernel.layout.BackendFlags;
import io.sluice.kernel.layout.BackendGen;
import io.sluice.kernel.layout.BenchPlan;
import io.sluice.kernel.layout.Codec;
import io.sluice.kernel.layout.CtCommon;
import io.sluice.kernel.layout.CtKey;
import io.sluice.kernel.layout.CtState;
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
import io.sluice.kernel.layout.SluiceMark;
import io.sluice.kernel.layout.SluiceProg;
import io.sluice.kernel.layout.SluiceProgIndex;
import io.sluice.kernel.layout.SluiceReason;
import io.sluice.kernel.policy.PolicyProgram;
import io.sluice.kernel.sys.Mounts;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A whole dataplane on a bpffs of its own, never attached: two pods, routes like a cluster's,
 * services, and the feeder. Every pod is behind one interface.
 */
final class Rig implements AutoCloseable {
  static final int TCP = 6;

  /** The network of the overlay. */
  static final int OVERLAY = 4096;

  /** Node ports of a service with backends of this node, and of one with those of the other. */
  static final int LOCAL_PORT = 30_000;

  static final int REMOTE_PORT = 30_001;

  /** No interfaces that are there: packets are told to go to them, and do not. */
  private static final int ELSEWHERE = 1_000;

  private static final int FAR = 1_001;
  static final int POLICY_SLOT = 1;
  private static final int BACKEND_PORT = 8080;
  private static final int POD_CIDRS = 230;
  private static final int BACKENDS_EACH = 10;

  /** Their numbers begin after all of {@link #services}. */
  private static final int NODE_PORT_SERVICES = 10_001;

  /** An odd number far from any power of two: steps through all flows, hardly ever in order. */
  private static final int STEP = 7919;

  private final int here;
  private final Path bpffs;
  private final DataplaneLoader dataplane;
  private final BpfObject feeder;
  private final BpfMap<Integer, BenchPlan> plan;
  private final ProgramArray target;
  private final Fd feed;
  private final Fd empty;
  private final Map<Integer, Fd> preambles = new HashMap<>();

  /**
   * @param here ifindex of the device, in the calling thread's network namespace, that packets come
   *     by
   */
  Rig(int here) throws IOException {
    this.here = here;
    bpffs = Files.createTempDirectory("sluice-bench-");
    Mounts.mountBpffs(bpffs);
    dataplane = DataplaneLoader.open(DataplaneOptions.defaults(bpffs));
    Path build = bpffs.resolve("sluice").resolve(dataplane.buildId());
    preambles.put(SluiceHook.HOOK_IN, Bpf.get(build.resolve("preamble_in")));
    preambles.put(SluiceHook.HOOK_OUT, Bpf.get(build.resolve("preamble_out")));
    feeder = new BpfObject("bench", object("bench4")).load();
    plan = new BpfMap<>("bench_plan", feeder.mapFd("bench_plan"), Codec.U32, BenchPlan.codec());
    target = new ProgramArray("bench_target", feeder.mapFd("bench_target"));
    feed = feeder.programFd("bench_feed");
    empty = feeder.programFd("bench_empty");
    for (Family family : Family.values()) {
      addRoutes(family);
    }
    addInterface();
  }

  private static byte[] object(String name) {
    try (InputStream in = Rig.class.getResourceAsStream("/io/sluice/bpf/" + name + ".bpf.o")) {
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** To change what packets meet. */
  DataplaneLoader dataplane() {
    return dataplane;
  }

  /** The pod that opens flows. */
  static Ip client(Family family) {
    return Ip.parse(family == Family.IPV4 ? "10.244.1.2" : "fd00:244:1::2");
  }

  /** The pod that they reach. */
  static Ip server(Family family) {
    return Ip.parse(family == Family.IPV4 ? "10.244.1.3" : "fd00:244:1::3");
  }

  /** A pod of another node, behind the tunnel. */
  static Ip remote(Family family) {
    return Ip.parse(family == Family.IPV4 ? "10.245.0.2" : "fd00:245::2");
  }

  /** Somebody outside of the cluster. */
  static Ip outside(Family family) {
    return Ip.parse(family == Family.IPV4 ? "192.168.99.2" : "fd00:99::2");
  }

  /** This node itself. */
  static Ip node(Family family) {
    return Ip.parse(family == Family.IPV4 ? "192.168.101.2" : "fd00:100:1::2");
  }

  private static Ip otherNode(Family family) {
    return Ip.parse(family == Family.IPV4 ? "192.168.102.2" : "fd00:100:2::2");
  }

  /** The address of the first of the services that are rotated; the others follow it. */
  static Ip firstService(Family family) {
    return Ip.parse(family == Family.IPV4 ? "10.96.0.0" : "fd00:96::");
  }

  static int backendPort() {
    return BACKEND_PORT;
  }

  private void addInterface() {
    for (int hook = 0; hook < SluiceHook.HOOK_COUNT; hook++) {
      dataplane.setPolicy(
          hook, POLICY_SLOT, PolicyProgram.of("bench_allow", PolicyPrograms.allowAll()));
    }
    measureAtPod();
  }

  private static Iface pod(String name) {
    int flags =
        IfaceFlags.IFACE_CONFIGURED
            | IfaceFlags.IFACE_WORKLOAD
            | IfaceFlags.IFACE_READY4
            | IfaceFlags.IFACE_READY6;
    return new Iface(
        flags, POLICY_SLOT, POLICY_SLOT, 0, 0, client(Family.IPV4), client(Family.IPV6), name, 0);
  }

  /** Packets are a pod's from now on; the tunnel is elsewhere. */
  void measureAtPod() {
    dataplane.ifaces().put(here, pod("here"));
    setTunnel(ELSEWHERE);
    setPods(here);
  }

  /** Packets come out of the tunnel from now on; pods are elsewhere. */
  void measureAtTunnel() {
    int flags = IfaceFlags.IFACE_CONFIGURED | IfaceFlags.IFACE_TUNNEL;
    Iface tunnel = new Iface(flags, 0, 0, 0, 0, Ip.ANY4, Ip.ANY6, "here", 0);
    dataplane.ifaces().put(here, tunnel);
    dataplane.ifaces().put(ELSEWHERE, pod("elsewhere"));
    setTunnel(here);
    setPods(ELSEWHERE);
  }

  /** Packets come from outside by a host's interface from now on; all else is elsewhere. */
  void measureAtHost() {
    dataplane.ifaces().put(here, host("here"));
    dataplane.ifaces().put(ELSEWHERE, pod("elsewhere"));
    setTunnel(FAR);
    setPods(ELSEWHERE);
  }

  private static Iface host(String name) {
    int flags =
        IfaceFlags.IFACE_CONFIGURED
            | IfaceFlags.IFACE_HOST
            | IfaceFlags.IFACE_READY4
            | IfaceFlags.IFACE_READY6;
    return new Iface(flags, 0, 0, 0, 0, Ip.ANY4, Ip.ANY6, name, 1500);
  }

  /**
   * Packets are a pod's from now on, as {@link #measureAtPod}, and flows that came in by a host's
   * interface came by one that is elsewhere.
   */
  void answerAtPod() {
    measureAtPod();
    dataplane.ifaces().put(FAR, host("far"));
    int epoch = dataplane.node().get(0).orElseThrow().routeEpoch();
    for (Family family : Family.values()) {
      Map<CtKey, CtValue> moved = new HashMap<>();
      dataplane.ct(family).forEach((key, value) -> moved.put(key, moved(value, epoch)));
      dataplane.ct(family).putAll(moved);
    }
  }

  private CtValue moved(CtValue value, int epoch) {
    CtCommon c = value.c();
    return new CtValue(
        new CtCommon(
            c.lastSeen(),
            c.created(),
            c.state() | CtState.CT_APPROVED_A | CtState.CT_APPROVED_B,
            epoch,
            c.ifindex0() == here ? FAR : here,
            c.ifindex1() == here ? FAR : here,
            c.service(),
            c.backend(),
            c.gen(),
            c.csumAddr(),
            c.csumPort()),
        value.x(),
        value.tunnelPeer());
  }

  private void setTunnel(int ifindex) {
    int epoch = dataplane.node().get(0).orElseThrow().routeEpoch();
    dataplane
        .node()
        .put(
            0,
            new NodeState(
                epoch + 1, ifindex, OVERLAY, 1450, 1430, node(Family.IPV4), node(Family.IPV6)));
  }

  private void setPods(int ifindex) {
    for (Family family : Family.values()) {
      Route pod =
          new Route(RouteFlags.ROUTE_WORKLOAD | RouteFlags.ROUTE_LOCAL, ifindex, Ip.any(family));
      dataplane.routes(family).put(new RouteKey(family.bits(), client(family)), pod);
      dataplane.routes(family).put(new RouteKey(family.bits(), server(family)), pod);
    }
  }

  /** As if the program of each pod had approved what came to it. */
  void approveFlows(Family family) {
    Map<CtKey, CtValue> approved = new HashMap<>();
    dataplane.ct(family).forEach((key, value) -> approved.put(key, approved(value)));
    dataplane.ct(family).putAll(approved);
  }

  private static CtValue approved(CtValue value) {
    CtCommon c = value.c();
    int state = c.state() | CtState.CT_APPROVED_A | CtState.CT_APPROVED_B;
    return new CtValue(
        new CtCommon(
            c.lastSeen(),
            c.created(),
            state,
            c.routeEpoch(),
            c.ifindex0(),
            c.ifindex1(),
            c.service(),
            c.backend(),
            c.gen(),
            c.csumAddr(),
            c.csumPort()),
        value.x(),
        value.tunnelPeer());
  }

  private void addRoutes(Family family) {
    Route remote =
        new Route(RouteFlags.ROUTE_WORKLOAD | RouteFlags.ROUTE_TUNNELED, 0, otherNode(family));
    Map<RouteKey, Route> routes = new HashMap<>();
    int host = family == Family.IPV4 ? 8 : 64;
    Ip first = Ip.parse(family == Family.IPV4 ? "10.245.0.0" : "fd00:245::");
    for (int i = 0; i < POD_CIDRS; i++) {
      Ip cidr =
          family == Family.IPV4
              ? new Ip(family, 0, first.low() + ((long) i << host))
              : new Ip(family, first.high() + i, 0);
      routes.put(new RouteKey(family.bits() - host, cidr), remote);
    }
    routes.put(
        new RouteKey(family.bits(), node(family)),
        new Route(RouteFlags.ROUTE_LOCAL, 0, Ip.any(family)));
    routes.put(new RouteKey(family.bits(), otherNode(family)), new Route(0, 0, otherNode(family)));
    dataplane.routes(family).putAll(routes);
  }

  /** Adds the services with node ports; {@link #services} takes them away. */
  void nodePorts(Family family) {
    nodePort(family, NODE_PORT_SERVICES, LOCAL_PORT, server(family), true);
    nodePort(family, NODE_PORT_SERVICES + 1, REMOTE_PORT, remote(family), false);
  }

  private void nodePort(Family family, int service, int port, Ip pod, boolean local) {
    Map<Integer, Backend> backends = new HashMap<>();
    Map<Integer, BackendGen> generations = new HashMap<>();
    // Both parts of the span, for there is room for ten more after each.
    int base = 1 + service * 2 * BACKENDS_EACH;
    int flags = local ? BackendFlags.BACKEND_LOCAL : 0;
    for (int id = base; id < base + (local ? 2 : 1) * BACKENDS_EACH; id++) {
      backends.put(id, new Backend(pod, BACKEND_PORT, flags, service, id, 1));
      generations.put(id, new BackendGen(1));
    }
    dataplane.backends(family).putAll(backends);
    dataplane.backendGen().putAll(generations);
    int inUse =
        ServiceFlags.SERVICE_IN_USE | (family == Family.IPV6 ? ServiceFlags.SERVICE_IPV6 : 0);
    dataplane
        .services()
        .put(
            service,
            new Service(base, BACKENDS_EACH, local ? BACKENDS_EACH : 0, inUse, 0, service));
    dataplane
        .frontends(family)
        .put(
            new FrontendKey(Ip.any(family), port, TCP),
            new Frontend(service, FrontendFlags.FRONTEND_NODE_PORT));
  }

  /**
   * Has exactly this many services. The backends of each are one pod under several IDs, so that the
   * packet that arrives there is known, whichever was picked.
   */
  void services(Family family, int count) {
    Map<Integer, Backend> backends = new HashMap<>();
    Map<Integer, BackendGen> generations = new HashMap<>();
    Map<Integer, Service> services = new HashMap<>();
    Map<FrontendKey, Frontend> frontends = new HashMap<>();
    List<FrontendKey> old = new ArrayList<>();
    dataplane.frontends(family).forEach((key, value) -> old.add(key));
    dataplane.frontends(family).removeAll(old);
    int flags =
        ServiceFlags.SERVICE_IN_USE | (family == Family.IPV6 ? ServiceFlags.SERVICE_IPV6 : 0);
    for (int i = 0; i < count; i++) {
      int service = i + 1;
      int base = 1 + i * BACKENDS_EACH;
      for (int b = 0; b < BACKENDS_EACH; b++) {
        int id = base + b;
        backends.put(id, new Backend(server(family), BACKEND_PORT, 0, service, id, 1));
        generations.put(id, new BackendGen(1));
      }
      services.put(service, new Service(base, BACKENDS_EACH, 0, flags, 0, service));
      Ip address = new Ip(family, firstService(family).high(), firstService(family).low() + i);
      frontends.put(
          new FrontendKey(address, 80, TCP),
          new Frontend(service, FrontendFlags.FRONTEND_CLUSTER_IP));
    }
    dataplane.backends(family).putAll(backends);
    dataplane.backendGen().putAll(generations);
    dataplane.services().putAll(services);
    dataplane.frontends(family).putAll(frontends);
  }

  /** Forgets all flows. */
  void forgetFlows(Family family) {
    List<CtKey> keys = new ArrayList<>();
    dataplane.ct(family).forEach((key, value) -> keys.add(key));
    dataplane.ct(family).removeAll(keys);
  }

  /** How often the programs have ended a packet's way like this. */
  long counted(int hook, int reason) {
    return dataplane.counters().stream()
        .filter(row -> row.hook() == hook && row.reason() == reason)
        .mapToLong(row -> row.value().packets())
        .sum();
  }

  /** A counter's name, as {@code sluice dump counters} has it. */
  static String counterName(int hook, int reason) {
    return SluiceHook.name(hook) + "/" + SluiceReason.name(reason);
  }

  /**
   * Average ns of a packet in the programs of a hook, the feeder included.
   *
   * @param first number of the first packet of the stream to send
   */
  double chain(int hook, Row.Stream stream, int first, int packets) {
    // What goes to a pod has been let in by its sender's program.
    int mark = hook == SluiceHook.HOOK_OUT ? SluiceMark.MARK_SEEN : 0;
    return run(preambles.get(hook), stream, first, packets, mark);
  }

  /** Average ns of a packet of this stream in the feeder alone. */
  double feeder(Row.Stream stream, int packets) {
    return run(empty, stream, 0, packets, 0);
  }

  private double run(Fd program, Row.Stream stream, int first, int packets, int mark) {
    target.set(0, program);
    plan.put(0, planFor(stream, first, mark));
    return average(feed, stream.packet(), packets);
  }

  /** Average ns of an empty program: the floor of the method. */
  double floor(byte[] packet, int packets) {
    return average(empty, packet, packets);
  }

  private double average(Fd program, byte[] packet, int packets) {
    TestRun run =
        new TestRun(program, packet.length)
            .packet(packet)
            .context(SkbContext.EMPTY.onInterface(here));
    run.run(packets);
    return run.durationNanos();
  }

  private static BenchPlan planFor(Row.Stream stream, int first, int mark) {
    byte[] packet = stream.packet();
    ByteBuffer header = ByteBuffer.wrap(packet).order(ByteOrder.nativeOrder());
    long[] w = new long[10];
    for (int i = 0; i < w.length; i++) {
      w[i] = header.getLong(i * Long.BYTES);
    }
    int l4 = stream.family() == Family.IPV4 ? 34 : 54;
    int flows = stream.flows();
    int addresses = stream.addresses();
    return new BenchPlan(
        w[0],
        w[1],
        w[2],
        w[3],
        w[4],
        w[5],
        w[6],
        w[7],
        w[8],
        w[9],
        l4,
        first,
        STEP,
        flows,
        addresses,
        stream.network(),
        otherNode(Family.IPV4),
        otherNode(Family.IPV6),
        mark);
  }

  /** Sizes of the programs of the fast variant. */
  List<Result.Program> programs() throws IOException {
    List<Result.Program> rows = new ArrayList<>();
    for (int hook = 0; hook < SluiceHook.HOOK_COUNT; hook++) {
      String name = SluiceHook.name(hook);
      rows.add(size("preamble", 0, name, preambles.get(hook)));
      Path pin = bpffs.resolve("sluice").resolve(dataplane.buildId()).resolve("progs_" + name);
      try (ProgramArray programs = new ProgramArray("progs", Bpf.get(pin))) {
        for (Map.Entry<Integer, Integer> slot : programs.programIds().entrySet()) {
          int index = slot.getKey();
          try (Fd fd = Bpf.programById(slot.getValue()).orElseThrow()) {
            boolean ipv6 = index >= SluiceProgIndex.PROG_FAMILY6;
            rows.add(
                size(SluiceProg.name(index % SluiceProg.PROG_PER_FAMILY), ipv6 ? 6 : 4, name, fd));
          }
        }
      }
    }
    return rows;
  }

  private static Result.Program size(String name, int family, String hook, Fd fd) {
    ProgramInfo info = ProgramInfo.of(fd);
    return new Result.Program(name, family, hook, info.instructions(), info.jitedBytes());
  }

  @Override
  public void close() throws IOException {
    preambles.values().forEach(Fd::close);
    feed.close();
    empty.close();
    feeder.close();
    dataplane.close();
    Mounts.unmount(bpffs);
    Files.delete(bpffs);
  }
}
