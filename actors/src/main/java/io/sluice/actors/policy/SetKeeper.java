// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.policy;

import io.sluice.actors.host.Addresses;
import io.sluice.config.model.EndpointSlice;
import io.sluice.config.model.ResourceKey;
import io.sluice.config.selector.Selector;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.policy.IpSet;
import io.sluice.kernel.policy.IpSet.Member;
import io.sluice.kernel.policy.IpSet.NetMember;
import io.sluice.kernel.policy.IpSet.PortMember;
import io.sluice.kernel.policy.Net;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.ToLongFunction;

/** The sets that compiled rules look up: who uses them, and their members as items come and go. */
final class SetKeeper {
  /** What an item gives to the sets that it is in. */
  private record Gift(List<Net> nets, List<Ip> addresses, List<Item.NamedPort> ports) {}

  private static final class Active {
    final SetDefinition definition;
    final Map<Member, Integer> counts = new HashMap<>();
    int uses;
    boolean changed = true;
    IpSet made;

    Active(SetDefinition definition) {
      this.definition = definition;
    }

    void add(Member member) {
      if (counts.merge(member, 1, Integer::sum) == 1) {
        changed = true;
      }
    }

    void remove(Member member) {
      if (counts.merge(member, -1, Integer::sum) == 0) {
        counts.remove(member);
        changed = true;
      }
    }
  }

  private final ToLongFunction<SetDefinition> ids;
  private final LabelIndex<ResourceKey> index = new LabelIndex<>();
  private final Map<ResourceKey, Gift> gifts = new HashMap<>();
  private final Map<Long, Active> byId = new TreeMap<>();
  private final Map<Selector, List<Active>> bySelector = new HashMap<>();
  private final Map<ResourceKey, List<Active>> byService = new HashMap<>();
  private final Multimap<ResourceKey, EndpointSlice> slices = new Multimap<>();
  private boolean changed = true;
  private SortedMap<Long, IpSet> made = Collections.emptySortedMap();

  SetKeeper(ToLongFunction<SetDefinition> ids) {
    this.ids = ids;
  }

  long evaluations() {
    return index.evaluations();
  }

  /** The definition that has this one's ID, if it is another. */
  SetDefinition collision(SetDefinition definition) {
    Active other = byId.get(ids.applyAsLong(definition));
    return other == null || other.definition.equals(definition) ? null : other.definition;
  }

  /** Somebody uses a set from now on; {@link #collision} has none. */
  void acquire(SetDefinition definition) {
    long id = ids.applyAsLong(definition);
    Active active = byId.get(id);
    if (active == null) {
      active = new Active(definition);
      byId.put(id, active);
      changed = true;
      fill(active);
    }
    active.uses++;
  }

  private void fill(Active active) {
    if (active.definition instanceof SetDefinition.OfNets nets) {
      nets.nets().forEach(net -> active.add(new NetMember(net)));
    } else if (active.definition instanceof SetDefinition.OfService of) {
      byService.computeIfAbsent(of.service(), k -> new ArrayList<>(2)).add(active);
      slices.get(of.service()).forEach(slice -> members(of, slice).forEach(active::add));
    } else {
      Selector selector = selector(active.definition);
      bySelector.computeIfAbsent(selector, k -> new ArrayList<>(2)).add(active);
      index.add(selector);
      index
          .matched(selector)
          .forEach(key -> members(active.definition, gifts.get(key)).forEach(active::add));
    }
  }

  /** One user of a set less; without any it is no more. */
  void release(SetDefinition definition) {
    long id = ids.applyAsLong(definition);
    Active active = byId.get(id);
    if (--active.uses > 0) {
      return;
    }
    byId.remove(id);
    changed = true;
    if (definition instanceof SetDefinition.OfService of) {
      drop(byService, of.service(), active);
    } else if (!(definition instanceof SetDefinition.OfNets)) {
      Selector selector = selector(definition);
      drop(bySelector, selector, active);
      if (!bySelector.containsKey(selector)) {
        index.remove(selector);
      }
    }
  }

  private static <K> void drop(Map<K, List<Active>> map, K key, Active active) {
    List<Active> list = map.get(key);
    list.remove(active);
    if (list.isEmpty()) {
      map.remove(key);
    }
  }

  private static Selector selector(SetDefinition definition) {
    return definition instanceof SetDefinition.OfNamedPort port
        ? port.selector()
        : ((SetDefinition.OfSelector) definition).selector();
  }

  /**
   * An item as it is now.
   *
   * @param addresses those of its addresses that are its own
   */
  void put(Item item, List<Ip> addresses) {
    Gift gift = new Gift(item.nets(), addresses, item.ports());
    Gift before = gifts.put(item.key(), gift);
    Set<Selector> old = index.matching(item.key());
    index.put(item.key(), item.labels());
    Set<Selector> now = index.matching(item.key());
    boolean same = gift.equals(before);
    now.stream().filter(s -> !same || !old.contains(s)).forEach(s -> give(s, gift));
    old.stream().filter(s -> !same || !now.contains(s)).forEach(s -> take(s, before));
  }

  void remove(ResourceKey key) {
    Gift before = gifts.remove(key);
    if (before != null) {
      index.matching(key).forEach(selector -> take(selector, before));
      index.remove(key);
    }
  }

  private void give(Selector selector, Gift gift) {
    for (Active active : bySelector.get(selector)) {
      members(active.definition, gift).forEach(active::add);
    }
  }

  private void take(Selector selector, Gift gift) {
    for (Active active : bySelector.get(selector)) {
      members(active.definition, gift).forEach(active::remove);
    }
  }

  private static Set<Member> members(SetDefinition definition, Gift gift) {
    Set<Member> members = new HashSet<>();
    if (definition instanceof SetDefinition.OfNamedPort named) {
      List<Ip> addresses = new ArrayList<>(gift.addresses);
      gift.nets.stream()
          .filter(net -> net.prefix() == net.family().bits())
          .forEach(net -> addresses.add(net.address()));
      for (Item.NamedPort port : gift.ports) {
        if (port.name().equals(named.name())) {
          addresses.forEach(a -> members.add(new PortMember(a, port.protocol(), port.port())));
        }
      }
    } else {
      gift.nets.forEach(net -> members.add(new NetMember(net)));
      gift.addresses.forEach(address -> members.add(host(address)));
    }
    return members;
  }

  private static NetMember host(Ip address) {
    return new NetMember(new Net(address, address.family().bits()));
  }

  /** An EndpointSlice comes, changes or goes; null: it is not. */
  void slice(EndpointSlice before, EndpointSlice after) {
    if (before != null) {
      before
          .service()
          .ifPresent(
              service -> {
                slices.remove(service, before);
                for (Active active : byService.getOrDefault(service, List.of())) {
                  members(active.definition, before).forEach(active::remove);
                }
              });
    }
    if (after != null) {
      after
          .service()
          .ifPresent(
              service -> {
                slices.add(service, after);
                for (Active active : byService.getOrDefault(service, List.of())) {
                  members(active.definition, after).forEach(active::add);
                }
              });
    }
  }

  private static Set<Member> members(SetDefinition definition, EndpointSlice slice) {
    boolean withPorts = ((SetDefinition.OfService) definition).withPorts();
    Set<Member> members = new HashSet<>();
    for (EndpointSlice.Endpoint endpoint : slice.endpoints()) {
      for (Ip address : endpoint.addresses().stream().map(Addresses::ip).toList()) {
        if (!withPorts) {
          members.add(host(address));
        }
        for (EndpointSlice.EndpointPort port :
            withPorts ? slice.ports() : List.<EndpointSlice.EndpointPort>of()) {
          // A port without number stands for all of the address's.
          members.add(
              port.port() == 0
                  ? host(address)
                  : new PortMember(address, port.protocol().number(), port.port()));
        }
      }
    }
    return members;
  }

  /** All sets as they are now; the same object as before if none has changed. */
  SortedMap<Long, IpSet> sets() {
    for (Map.Entry<Long, Active> entry : byId.entrySet()) {
      Active active = entry.getValue();
      if (active.changed) {
        active.changed = false;
        if (active.made == null || !active.made.members().equals(active.counts.keySet())) {
          active.made = new IpSet(entry.getKey(), active.definition.text(), active.counts.keySet());
          changed = true;
        }
      }
    }
    if (changed) {
      changed = false;
      SortedMap<Long, IpSet> all = new TreeMap<>();
      byId.forEach((id, active) -> all.put(id, active.made));
      made = Collections.unmodifiableSortedMap(all);
    }
    return made;
  }
}
