// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.conntrack;

import io.sluice.kernel.layout.Codec;
import io.sluice.kernel.layout.CtCommon;
import io.sluice.kernel.layout.CtJudged;
import io.sluice.kernel.layout.CtKey;
import io.sluice.kernel.layout.CtState;
import io.sluice.kernel.layout.CtValue;
import io.sluice.kernel.layout.CtVerdict;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.QosKey;
import io.sluice.kernel.layout.SluiceHook;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/**
 * One pass over a conntrack table: {@link #visit} each entry, then {@link #judge}. Visiting keeps
 * only what looks dead by itself; the twins are asked afterwards, so that a live flow costs nothing
 * but its visit.
 */
final class ConntrackScan {
  /** Most suspects of one pass; bounds the memory of a pass that finds everything dead. */
  static final int MAX_SUSPECTS = 65536;

  private static final int PROTO_TCP = 6;
  private static final int SYN_BOTH = CtState.CT_SYN_A | CtState.CT_SYN_B;

  private static final int SLOTS = CtState.CT_SLOT_A | CtState.CT_SLOT_B;

  private final Codec<CtKey> keys;
  private final Codec<CtValue> values;
  private final int protoAt;
  private final int commonAt;
  private final ByteBuffer scratch;
  private final Liveness liveness;
  private final int now;
  private final Map<Ip, Integer> gone;
  private final int sampleMask;
  private final List<Suspect> suspects = new ArrayList<>();
  private final Set<Integer> sample = new HashSet<>();
  private final Set<Ip> stillSeen = new HashSet<>();
  private final Map<QosKey, Integer> slots = new HashMap<>();
  private int entries;
  private int orphans;
  private boolean complete = true;
  private boolean direct;

  private record Suspect(CtKey key, CtValue value) {}

  /**
   * @param now jiffies
   * @param gone addresses of removed workloads, and when (jiffies) each went
   * @param sampleMask keys whose hash has none of these bits are kept as the pass's sample
   */
  ConntrackScan(Family family, Liveness liveness, int now, Map<Ip, Integer> gone, int sampleMask) {
    this.keys = CtKey.codec(family);
    this.values = CtValue.codec(family);
    this.protoAt = family == Family.IPV4 ? CtKey.OFFSET4_PROTO : CtKey.OFFSET6_PROTO;
    this.commonAt = family == Family.IPV4 ? CtValue.OFFSET4_C : CtValue.OFFSET6_C;
    this.scratch = ByteBuffer.allocate(keys.size()).order(ByteOrder.nativeOrder());
    this.liveness = liveness;
    this.now = now;
    this.gone = Map.copyOf(gone);
    this.sampleMask = sampleMask;
  }

  /** Takes note of an entry. Makes objects of what may be dead, and of nothing else. */
  void visit(ByteBuffer someKeys, int keyAt, ByteBuffer someValues, int valueAt) {
    entries++;
    int hash = hash(someKeys, keyAt);
    if ((hash & sampleMask) == 0) {
      sample.add(hash);
    }
    int proto = Byte.toUnsignedInt(someKeys.get(keyAt + protoAt));
    int common = valueAt + commonAt;
    int state = someValues.getInt(common + CtCommon.OFFSET_STATE);
    int created = someValues.getInt(common + CtCommon.OFFSET_CREATED);
    int lastSeen = someValues.getInt(common + CtCommon.OFFSET_LAST_SEEN);
    direct |= (state & CtState.CT_DIRECT) != 0;
    boolean forward = (state & CtState.CT_NAT_FORWARD) != 0;
    if (!forward && (state & SLOTS) != 0) {
      countSlots(state, someValues, common);
    }
    if (liveness.isDead(now, proto, forward ? SYN_BOTH : state, created, lastSeen)
        || !forward
            && proto != PROTO_TCP
            && !gone.isEmpty()
            && ofGoneWorkload(keys.decode(someKeys, keyAt), created)) {
      suspect(new Suspect(keys.decode(someKeys, keyAt), values.decode(someValues, valueAt)));
    }
  }

  /** The side that opened the flow holds one of what it may open, the other of what it may get. */
  private void countSlots(int state, ByteBuffer values, int common) {
    for (int side = 0; side < 2; side++) {
      if ((state & CtState.CT_SLOT_A << side) != 0) {
        int at = side == 0 ? CtCommon.OFFSET_IFINDEX0 : CtCommon.OFFSET_IFINDEX1;
        boolean opener = (state & CtState.CT_OPENER_A << side) != 0;
        int hook = opener ? SluiceHook.HOOK_IN : SluiceHook.HOOK_OUT;
        slots.merge(new QosKey(values.getInt(common + at), hook), 1, Integer::sum);
      }
    }
  }

  private void suspect(Suspect suspect) {
    if (suspects.size() < MAX_SUSPECTS) {
      suspects.add(suspect);
    } else {
      complete = false;
    }
  }

  /**
   * TCP is left to its time-out: while its entry is there, the programs answer the next packet with
   * a RST instead of silence (CT-4). Whatever other protocol still sends gets nothing from the
   * entry.
   */
  private boolean ofGoneWorkload(CtKey key, int created) {
    return !gone.isEmpty()
        && key.proto() != PROTO_TCP
        && (olderThanRemoval(key.addr0(), created) || olderThanRemoval(key.addr1(), created));
  }

  private boolean olderThanRemoval(Ip address, int created) {
    Integer goneAt = gone.get(address);
    boolean older = goneAt != null && liveness.age(now, created) >= liveness.age(now, goneAt);
    if (older) {
      stillSeen.add(address);
    }
    return older;
  }

  /**
   * Judges the suspects.
   *
   * @param lookUp finds an entry of the same table
   * @return what the cleaner is to delete, by key of the tracking (or only) entry
   */
  Map<CtKey, CtJudged> judge(Function<CtKey, Optional<CtValue>> lookUp) {
    Map<CtKey, CtJudged> judged = new HashMap<>();
    for (Suspect suspect : suspects) {
      CtCommon c = suspect.value().c();
      if (!FlowKeys.hasTwin(c.state())) {
        judged.put(suspect.key(), alone(suspect));
      } else if ((c.state() & CtState.CT_NAT_FORWARD) != 0) {
        judgeForward(suspect, lookUp, judged);
      } else {
        judgeTracking(suspect, lookUp, judged);
      }
    }
    return judged;
  }

  private static CtJudged alone(Suspect suspect) {
    return new CtJudged(
        FlowKeys.none(suspect.key()), suspect.value().c().lastSeen(), 0, 0, 0, CtVerdict.CT_DEAD);
  }

  /** A NAT forward entry dies with its twin; alone only if it has lost it. */
  private void judgeForward(
      Suspect suspect, Function<CtKey, Optional<CtValue>> lookUp, Map<CtKey, CtJudged> judged) {
    CtKey twinKey = FlowKeys.twin(suspect.key(), suspect.value());
    if (lookUp
        .apply(twinKey)
        .filter(twin -> FlowKeys.isTwin(twinKey, twin, suspect.key()))
        .isEmpty()) {
      orphans++;
      judged.put(suspect.key(), alone(suspect));
    }
  }

  private void judgeTracking(
      Suspect suspect, Function<CtKey, Optional<CtValue>> lookUp, Map<CtKey, CtJudged> judged) {
    CtKey key = suspect.key();
    CtCommon c = suspect.value().c();
    CtKey twinKey = FlowKeys.twin(key, suspect.value());
    Optional<CtValue> twin = lookUp.apply(twinKey).filter(t -> FlowKeys.isTwin(twinKey, t, key));
    if (twin.isEmpty()) {
      orphans++;
      judged.put(key, alone(suspect));
      return;
    }
    int twinSeen = twin.get().c().lastSeen();
    int seen = liveness.newer(now, c.lastSeen(), twinSeen);
    if (liveness.isDead(now, key.proto(), c.state(), c.created(), seen)
        || ofGoneWorkload(key, c.created())) {
      judged.put(key, new CtJudged(twinKey, c.lastSeen(), twinSeen, 0, 0, CtVerdict.CT_DEAD));
    }
  }

  /** The hash by which a key is sampled: every bit depends on all of the key. */
  int hash(CtKey key) {
    keys.encode(key, scratch, 0);
    return hash(scratch, 0);
  }

  private int hash(ByteBuffer buffer, int at) {
    long h = 0;
    for (int i = 0; i < keys.size(); i += Long.BYTES) {
      h = (h ^ buffer.getLong(at + i)) * 0x9e3779b97f4a7c15L;
      h ^= h >>> 32;
    }
    return (int) h;
  }

  /** Flows that hold a connection, by interface and hook. */
  Map<QosKey, Integer> slots() {
    return slots;
  }

  /** Entries visited. */
  int entries() {
    return entries;
  }

  /** Whether there is any direct flow. */
  boolean direct() {
    return direct;
  }

  /** Halves of pairs among the dead. */
  int orphans() {
    return orphans;
  }

  /** Whether every dead entry was taken note of. */
  boolean complete() {
    return complete;
  }

  /** Hashes of a part of the keys, the same part in each pass. */
  Set<Integer> sample() {
    return sample;
  }

  /** Addresses of removed workloads that entries older than the removal still bear. */
  Set<Ip> stillSeen() {
    return stillSeen;
  }
}
