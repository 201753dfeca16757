// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.policy;

import io.sluice.kernel.asm.Assembler;
import io.sluice.kernel.asm.Reg;
import io.sluice.kernel.bpf.BpfMap;
import io.sluice.kernel.bpf.Fd;
import io.sluice.kernel.bpf.MapSpec;
import io.sluice.kernel.bpf.MapType;
import io.sluice.kernel.bpf.PerCpuArray;
import io.sluice.kernel.bpf.PerCpuHash;
import io.sluice.kernel.bpf.ProgramArray;
import io.sluice.kernel.bpf.Programs;
import io.sluice.kernel.bpf.SkbContext;
import io.sluice.kernel.bpf.TestRun;
import io.sluice.kernel.layout.Codec;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.IpSetBits;
import io.sluice.kernel.layout.IpSetKey;
import io.sluice.kernel.layout.Pkt;
import io.sluice.kernel.layout.PktFlags;
import io.sluice.kernel.layout.PolicyKeys;
import io.sluice.kernel.policy.IpSet.NetMember;
import io.sluice.kernel.policy.IpSet.PortMember;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Runs policy programs alone: their maps, a packet's state written by hand, and for continuations
 * two programs that return different verdicts.
 */
final class PolicyRig implements AutoCloseable {
  static final int ALLOWED = 40;
  static final int DENIED = 41;
  static final int SHOT = 2;
  private static final int ALLOW_SLOT = 5;
  private static final int DENY_SLOT = 6;
  private static final int POLICIES = 256;

  private final List<AutoCloseable> open = new ArrayList<>();
  private final ProgramArray progs;
  private final ProgramArray policies;
  private final PerCpuArray<PacketView> packets;
  private final PerCpuArray<Pkt> states;
  private final Map<Family, BpfMap<IpSetKey, Integer>> sets = new EnumMap<>(Family.class);
  private final PerCpuHash hits;
  private final List<Fd> maps = new ArrayList<>();
  private TestRun run;
  private Fd loaded;

  PolicyRig() {
    progs = keep(new ProgramArray("progs", map(MapType.PROG_ARRAY, 4, 4, 16, 0)));
    policies = keep(new ProgramArray("policies", map(MapType.PROG_ARRAY, 4, 4, POLICIES, 0)));
    Fd pkt = map(MapType.PERCPU_ARRAY, 4, Pkt.SIZE, 1, 0);
    packets = keep(new PerCpuArray<>("pkt", pkt, new PacketCodec()));
    states = keep(new PerCpuArray<>("pkt", pkt.duplicate(), Pkt.codec()));
    for (Family family : Family.values()) {
      Codec<IpSetKey> codec = IpSetKey.codec(family);
      Fd map = map(MapType.LPM_TRIE, codec.size(), 4, 1 << 17, MapSpec.NO_PREALLOC);
      sets.put(family, keep(new BpfMap<>("ip_sets" + family.number(), map, codec, Codec.U32)));
    }
    Fd counters = map(MapType.PERCPU_HASH, 8, 8, 1 << 16, MapSpec.NO_PREALLOC);
    hits = keep(new PerCpuHash("rule_hits", counters));
    maps.addAll(
        List.of(
            progs.fd(),
            policies.fd(),
            pkt,
            sets.get(Family.IPV4).fd(),
            sets.get(Family.IPV6).fd(),
            counters,
            keptMap(MapType.PERCPU_ARRAY, PolicyKeys.SIZE)));
    putContinuations();
  }

  private <T extends AutoCloseable> T keep(T resource) {
    open.add(resource);
    return resource;
  }

  private static Fd map(MapType type, int key, int value, int entries, int flags) {
    return new MapSpec(type, "rig", key, value, entries, flags).create();
  }

  private Fd keptMap(MapType type, int value) {
    return keep(map(type, 4, value, 1, 0));
  }

  private void putContinuations() {
    put(ALLOW_SLOT, ALLOWED);
    put(DENY_SLOT, DENIED);
  }

  private void put(int slot, int verdict) {
    byte[] code = new Assembler().mov(Reg.R0, verdict).exit().assemble();
    try (Fd program = Programs.load(Programs.SCHED_CLS, "continuation", code, List.of())) {
      progs.set(slot, program);
    }
  }

  /** What the program's caller leaves is not there. */
  void removeContinuations() {
    progs.clear(ALLOW_SLOT);
    progs.clear(DENY_SLOT);
  }

  /** Loads a program, in place of the last one; returns how long that took, nanoseconds. */
  long load(PolicyProgram program) {
    long begun = System.nanoTime();
    for (int piece = program.pieces().size() - 1; piece >= 0; piece--) {
      Fd fd =
          Programs.load(
              Programs.SCHED_CLS, program.name(), program.linked(piece, slot -> slot), maps);
      policies.set(piece, fd);
      if (piece > 0) {
        fd.close();
        continue;
      }
      if (loaded != null) {
        loaded.close();
      }
      loaded = fd;
    }
    long took = System.nanoTime() - begun;
    run = new TestRun(loaded, 64);
    return took;
  }

  /** Makes sets be what they are said to be, beside those that are there. */
  void putSets(Collection<IpSet> some) {
    for (Family family : Family.values()) {
      Map<IpSetKey, Integer> elements = new HashMap<>();
      for (IpSet set : some) {
        for (IpSet.Member member : set.members()) {
          IpSetKey key = key(set.id(), member);
          if (key.addr().family() == family) {
            elements.put(key, 1);
          }
        }
      }
      sets.get(family).putAll(elements);
    }
  }

  private static IpSetKey key(long set, IpSet.Member member) {
    int high = (int) (set >>> 32);
    int low = (int) set;
    int id = IpSetBits.IP_SET_ID_BITS;
    if (member instanceof NetMember net) {
      return new IpSetKey(id + net.net().prefix(), high, low, net.net().address(), 0, 0);
    }
    PortMember port = (PortMember) member;
    int all = id + port.address().family().bits() + IpSetBits.IP_SET_PORT_BITS;
    return new IpSetKey(all, high, low, port.address(), port.port(), port.protocol());
  }

  void clearSets() {
    for (BpfMap<IpSetKey, Integer> map : sets.values()) {
      List<IpSetKey> keys = new ArrayList<>();
      map.forEach((key, value) -> keys.add(key));
      map.removeAll(keys);
    }
  }

  /** Counts these rules from now on, from 0. */
  void count(Set<Long> rules) {
    hits.remove(hits.sums().keySet());
    hits.add(rules);
  }

  /** Hits of rules that had some. */
  Map<Long, Long> hits() {
    Map<Long, Long> sums = hits.sums();
    sums.values().removeIf(count -> count == 0);
    return sums;
  }

  /** The program's verdict about a packet. */
  int judge(PacketView packet) {
    return judge(packet, 1);
  }

  /** The same, over and over again; {@link #nanos} then tells what it took. */
  int judge(PacketView packet, int repeat) {
    packets.set(0, Collections.nCopies(PerCpuArray.possibleCpus(), packet));
    run.packet(frame(packet.family())).context(SkbContext.EMPTY.withCb(ALLOW_SLOT, DENY_SLOT));
    return run.run(repeat);
  }

  /** Of one run, on average, of the last {@link #judge}. */
  long nanos() {
    return run.durationNanos();
  }

  /** Whether the last packet is to be noted. */
  boolean logged() {
    return states.get(0).stream().anyMatch(state -> (state.flags() & PktFlags.PKT_LOG) != 0);
  }

  /** Whether the last packet is nobody else's to decide on. */
  boolean decided() {
    return states.get(0).stream().allMatch(state -> (state.flags() & PktFlags.PKT_DECIDED) != 0);
  }

  private static byte[] frame(Family family) {
    byte[] frame = new byte[64];
    int type = family == Family.IPV4 ? 0x0800 : 0x86dd;
    frame[12] = (byte) (type >> 8);
    frame[13] = (byte) type;
    return frame;
  }

  @Override
  public void close() {
    if (loaded != null) {
      loaded.close();
    }
    for (AutoCloseable resource : open) {
      try {
        resource.close();
      } catch (Exception e) {
        throw new IllegalStateException(e);
      }
    }
  }

  /** struct pkt, as far as policy looks at it. */
  private static final class PacketCodec implements Codec<PacketView> {
    @Override
    public int size() {
      return Pkt.SIZE;
    }

    @Override
    public void encode(PacketView packet, ByteBuffer buffer, int offset) {
      for (int at = 0; at < Pkt.SIZE; at++) {
        buffer.put(offset + at, (byte) 0);
      }
      buffer.put(offset + Pkt.OFFSET_SADDR, packet.source().bytes());
      buffer.put(offset + Pkt.OFFSET_DADDR, packet.destination().bytes());
      buffer.put(offset + Pkt.OFFSET_SPORT, network(packet.sourcePort()));
      buffer.put(offset + Pkt.OFFSET_DPORT, network(packet.destinationPort()));
      buffer.put(offset + Pkt.OFFSET_PROTO, (byte) packet.protocol());
      buffer.put(offset + Pkt.OFFSET_ICMP_TYPE, (byte) packet.icmpType());
      buffer.put(offset + Pkt.OFFSET_ICMP_CODE, (byte) packet.icmpCode());
      buffer.putInt(offset + Pkt.OFFSET_FLAGS, packet.flags());
    }

    private static byte[] network(int port) {
      return ByteBuffer.allocate(2).order(ByteOrder.BIG_ENDIAN).putShort((short) port).array();
    }

    @Override
    public PacketView decode(ByteBuffer buffer, int offset) {
      throw new UnsupportedOperationException();
    }
  }
}
