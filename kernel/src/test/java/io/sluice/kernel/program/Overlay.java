// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.program;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.asm.Assembler;
import io.sluice.kernel.asm.Condition;
import io.sluice.kernel.asm.Helper;
import io.sluice.kernel.asm.Reg;
import io.sluice.kernel.asm.Size;
import io.sluice.kernel.bpf.BpfMap;
import io.sluice.kernel.bpf.Fd;
import io.sluice.kernel.bpf.MapSpec;
import io.sluice.kernel.bpf.MapType;
import io.sluice.kernel.bpf.ProgramArray;
import io.sluice.kernel.bpf.Programs;
import io.sluice.kernel.bpf.SkbContext;
import io.sluice.kernel.bpf.TestRun;
import io.sluice.kernel.layout.Codec;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Iface;
import io.sluice.kernel.layout.IfaceFlags;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.NodeSourceKey;
import io.sluice.kernel.layout.Route;
import io.sluice.kernel.layout.RouteFlags;
import io.sluice.kernel.layout.RouteKey;
import io.sluice.kernel.layout.SluiceHook;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * The tests' node as part of an overlay: a tunnel device, and two nodes behind it. A program of its
 * own stands in for the device: it gives packets the key of the node that they came from before
 * they enter the hook, and reads the key that the programs have set once they are through.
 */
final class Overlay implements AutoCloseable {
  static final int VNI = 4096;
  static final int MTU4 = 1450;
  static final int MTU6 = 1430;

  /** Layout of the value of the plan: what to do, and the keys, as struct bpf_tunnel_key. */
  private static final int TASK = 0;

  private static final int SET = 4;
  private static final int FLAGS = 8;
  private static final int FAILED = 12;
  private static final int KEY = 16;
  private static final int KEY_SIZE = 44;
  private static final int READ = KEY + KEY_SIZE;
  private static final int PLAN_SIZE = READ + KEY_SIZE;
  private static final int REMOTE = 4;
  private static final int TOS = 20;
  private static final int TTL = 21;
  private static final int LOCAL = 28;
  private static final int TUNINFO_IPV6 = 1;

  private static final int ENTER = 0;
  private static final int ENTER_THEN_READ = 1;
  private static final int THEN_READ = 2;

  private final ChainHarness harness;
  final Pod device;
  private final BpfMap<Integer, ByteBuffer> plan;
  private final ProgramArray target;
  private final Fd program;
  private final TestRun run;
  private final Map<Family, BpfMap<NodeSourceKey, Integer>> sources = new EnumMap<>(Family.class);

  /** A key that programs have set: where to, in which network. */
  record Key(int vni, Ip node, int ttl, int tos) {}

  Overlay(ChainHarness harness) {
    this.harness = harness;
    device = harness.pod("tunnel", Ip.ANY4, Ip.any(Family.IPV6));
    Fd planMap = new MapSpec(MapType.ARRAY, "plan", 4, PLAN_SIZE, 1, 0).create();
    Fd targetMap = new MapSpec(MapType.PROG_ARRAY, "target", 4, 4, 1, 0).create();
    program =
        Programs.load(Programs.SCHED_CLS, "tunnel_device", device(), List.of(planMap, targetMap));
    plan = new BpfMap<>("plan", planMap, Codec.U32, new PlanCodec());
    target = new ProgramArray("target", targetMap);
    run = new TestRun(program, ChainHarness.LONGEST_PACKET);
    for (Family family : Family.values()) {
      String name = "node_sources" + family.number();
      sources.put(family, harness.chain.map(name, NodeSourceKey.codec(family), Codec.U32));
    }
  }

  /** Bytes, in the machine's order. */
  private static final class PlanCodec implements Codec<ByteBuffer> {
    @Override
    public int size() {
      return PLAN_SIZE;
    }

    @Override
    public void encode(ByteBuffer value, ByteBuffer buffer, int offset) {
      buffer.put(offset, value, 0, PLAN_SIZE);
    }

    @Override
    public ByteBuffer decode(ByteBuffer buffer, int offset) {
      byte[] bytes = new byte[PLAN_SIZE];
      buffer.get(offset, bytes);
      return ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder());
    }
  }

  /** Sets the key if it is to, and enters the hook; or reads the key, in a run after that. */
  private static byte[] device() {
    return new Assembler()
        .mov(Reg.R6, Reg.R1)
        .loadMapValueIndex(Reg.R7, 0, 0)
        .load(Size.W, Reg.R8, Reg.R7, TASK)
        .jumpIf(Condition.EQ, Reg.R8, THEN_READ, "read")
        .jumpIf(Condition.EQ, Reg.R8, ENTER, "set")
        .store(Size.W, Reg.R7, TASK, THEN_READ)
        .label("set")
        .load(Size.W, Reg.R8, Reg.R7, SET)
        .jumpIf(Condition.EQ, Reg.R8, 0, "enter")
        .mov(Reg.R1, Reg.R6)
        .loadMapValueIndex(Reg.R2, 0, KEY)
        .mov(Reg.R3, KEY_SIZE)
        .load(Size.W, Reg.R4, Reg.R7, FLAGS)
        .call(Helper.SKB_SET_TUNNEL_KEY)
        .store(Size.W, Reg.R7, FAILED, Reg.R0)
        .label("enter")
        .mov(Reg.R1, Reg.R6)
        .loadMapIndex(Reg.R2, 1)
        .mov(Reg.R3, 0)
        .tailCall()
        .mov(Reg.R0, Outcome.SHOT)
        .exit()
        .label("read")
        .mov(Reg.R1, Reg.R6)
        .loadMapValueIndex(Reg.R2, 0, READ)
        .mov(Reg.R3, KEY_SIZE)
        .load(Size.W, Reg.R4, Reg.R7, FLAGS)
        .call(Helper.SKB_GET_TUNNEL_KEY)
        .store(Size.W, Reg.R7, FAILED, Reg.R0)
        .mov(Reg.R0, 0)
        .exit()
        .assemble();
  }

  /** The node's tunnel is there, with both other nodes' pods and hosts behind it. */
  Overlay reset() {
    int flags = IfaceFlags.IFACE_CONFIGURED | IfaceFlags.IFACE_TUNNEL;
    harness.configure(device, flags, 0, 0);
    harness.setNode(device.ifindex(), VNI, MTU4, MTU6);
    for (Family family : Family.values()) {
      ChainHarness.clear(sources.get(family));
      addNode(family, 2);
      addNode(family, 3);
      Ip self = host(family, 1);
      put(self, family.bits(), RouteFlags.ROUTE_LOCAL, Ip.any(family));
    }
    return this;
  }

  private void addNode(Family family, int node) {
    int pod = RouteFlags.ROUTE_WORKLOAD | RouteFlags.ROUTE_IN_POOL | RouteFlags.ROUTE_TUNNELED;
    put(pod(family, node), family == Family.IPV4 ? 24 : 64, pod, host(family, node));
    put(host(family, node), family.bits(), 0, host(family, node));
  }

  /** Its address is one of node 2 or 3 from now on. */
  void movePod(Ip address, int node) {
    Family family = address.family();
    int flags = RouteFlags.ROUTE_WORKLOAD | RouteFlags.ROUTE_IN_POOL | RouteFlags.ROUTE_TUNNELED;
    put(address, family.bits(), flags, host(family, node));
  }

  private static NodeSourceKey source(int node, Ip network, int prefix) {
    Family family = network.family();
    return new NodeSourceKey(family.bits() + prefix, host(family, node), network.masked(prefix));
  }

  /** Pods of node 2 or 3 may send from a network. */
  void allow(int node, Ip network, int prefix) {
    sources.get(network.family()).put(source(node, network, prefix), 1);
  }

  void forbid(int node, Ip network, int prefix) {
    sources.get(network.family()).removeAll(List.of(source(node, network, prefix)));
  }

  void put(Ip address, int prefix, int flags, Ip nextHop) {
    Family family = address.family();
    harness
        .routes
        .get(family)
        .put(new RouteKey(prefix, address.masked(prefix)), new Route(flags, 0, nextHop));
  }

  /** A pod of node 2 or 3. */
  static Ip pod(Family family, int node) {
    return Ip.parse((family == Family.IPV4 ? "10.244.%d.2" : "fd00:244:%d::2").formatted(node));
  }

  /** A node's address in the underlay; node 1 is this one. */
  static Ip host(Family family, int node) {
    return Ip.parse((family == Family.IPV4 ? "192.168.10%d.2" : "fd00:100:%d::2").formatted(node));
  }

  /** An interface as the tunnel, with its flags as they are after {@link ChainHarness#debug}. */
  void debug() {
    Iface now = harness.ifaces.get(device.ifindex()).orElseThrow();
    harness.configure(device, now.flags(), 0, 0);
  }

  private void plan(Family family, int task, int vni, Ip from) {
    ByteBuffer value = ByteBuffer.allocate(PLAN_SIZE).order(ByteOrder.nativeOrder());
    value.putInt(TASK, task).putInt(SET, from != null ? 1 : 0);
    value.putInt(FLAGS, family == Family.IPV6 ? TUNINFO_IPV6 : 0);
    value.putInt(KEY, vni).put(KEY + TTL, (byte) 64);
    if (from != null && family == Family.IPV4) {
      // Host order in the key.
      value.putInt(KEY + LOCAL, ByteBuffer.wrap(from.bytes()).getInt());
    } else if (from != null) {
      value.put(KEY + LOCAL, from.bytes());
    }
    plan.put(0, value);
  }

  private static Family familyOf(byte[] frame) {
    return frame[12] == 8 ? Family.IPV4 : Family.IPV6;
  }

  /** A run of the tunnel's host-ingress, with packets of a node in a network; null: no key. */
  TestRun ingress(Family family, Ip from, int vni) {
    target.set(0, harness.chain.preamble(SluiceHook.HOOK_IN));
    plan(family, ENTER, vni, from);
    return run;
  }

  /** A packet comes out of the tunnel. */
  Outcome in(byte[] frame, Ip from, int vni) {
    SkbContext context = SkbContext.EMPTY.onInterface(device.ifindex());
    return harness.run(ingress(familyOf(frame), from, vni), SluiceHook.HOOK_IN, frame, context);
  }

  /** ... from a node of the overlay, and goes as far as the programs bring it. */
  Life arrive(byte[] frame, int node) {
    return harness.follow(in(frame, host(familyOf(frame), node), VNI), device);
  }

  /** A packet goes into the tunnel. */
  Outcome out(byte[] frame, int mark) {
    return harness.run(SluiceHook.HOOK_OUT, device, frame, mark);
  }

  /** The key that a hook's programs set for a packet. */
  Key keyOf(int hook, Pod pod, byte[] frame) {
    return keyOf(hook, pod, frame, null);
  }

  /**
   * ... that came out of the tunnel.
   *
   * @param from the node; null: it did not
   */
  Key keyOf(int hook, Pod pod, byte[] frame, Ip from) {
    return keyOf(hook, pod, frame, from, VNI);
  }

  Key keyOf(int hook, Pod pod, byte[] frame, Ip from, int vni) {
    Family family = familyOf(frame);
    target.set(0, harness.chain.preamble(hook));
    plan(family, ENTER_THEN_READ, vni, from);
    SkbContext context = SkbContext.EMPTY.onInterface(pod.ifindex());
    harness.inNamespace(() -> run.packet(frame).context(context).run(2));
    harness.newReason(hook);
    ByteBuffer value = plan.get(0).orElseThrow();
    assertThat(value.getInt(FAILED)).as("a key is set").isZero();
    byte[] node;
    if (family == Family.IPV4) {
      node = ByteBuffer.allocate(4).putInt(value.getInt(READ + LOCAL)).array();
    } else {
      node = Arrays.copyOfRange(value.array(), READ + LOCAL, READ + LOCAL + 16);
    }
    assertThat(value.getInt(READ + REMOTE)).as("the device finds its own address").isZero();
    return new Key(value.getInt(READ), Ip.of(node), value.get(READ + TTL), value.get(READ + TOS));
  }

  @Override
  public void close() {
    program.close();
    target.close();
    plan.close();
  }
}
