// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.policy;

import io.sluice.config.selector.Selector;
import io.sluice.config.selector.Selector.Required;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Which selectors match which labelled things. When labels change, only selectors that demand one
 * of the labels are asked again, and those that demand nothing; when a selector is new, only things
 * with the label that it demands.
 */
final class LabelIndex<K> {
  private static final class Entry<K> {
    final Selector selector;
    final Set<K> matched = new HashSet<>();

    Entry(Selector selector) {
      this.selector = selector;
    }
  }

  private static final class Thing<K> {
    Map<String, String> labels = Map.of();
    final Set<Entry<K>> matching = new HashSet<>(4);
  }

  private record Label(String name, String value) {}

  private final Map<Selector, Entry<K>> entries = new HashMap<>();
  private final Multimap<Label, Entry<K>> demandingValue = new Multimap<>();
  private final Multimap<String, Entry<K>> demandingLabel = new Multimap<>();
  private final Set<Entry<K>> demandingNothing = new HashSet<>();

  private final Map<K, Thing<K>> things = new HashMap<>();
  private final Multimap<Label, K> withValue = new Multimap<>();
  private final Multimap<String, K> withLabel = new Multimap<>();
  private long evaluations;

  /** How often a selector has been asked about a thing so far. */
  long evaluations() {
    return evaluations;
  }

  /** Adds a thing, or gives it other labels. */
  void put(K key, Map<String, String> labels) {
    Thing<K> thing = things.get(key);
    if (thing == null) {
      thing = new Thing<>();
      things.put(key, thing);
    } else if (thing.labels.equals(labels)) {
      return;
    }
    forget(key, thing.labels);
    labels.forEach(
        (name, value) -> {
          withValue.add(new Label(name, value), key);
          withLabel.add(name, key);
        });
    thing.labels = labels;
    judge(key, thing);
  }

  private void forget(K key, Map<String, String> labels) {
    labels.forEach(
        (name, value) -> {
          withValue.remove(new Label(name, value), key);
          withLabel.remove(name, key);
        });
  }

  private void judge(K key, Thing<K> thing) {
    Set<Entry<K>> now = new HashSet<>(4);
    thing.labels.forEach(
        (name, value) -> {
          demandingValue.get(new Label(name, value)).forEach(e -> ask(e, thing, now));
          demandingLabel.get(name).forEach(e -> ask(e, thing, now));
        });
    demandingNothing.forEach(e -> ask(e, thing, now));
    for (Entry<K> entry : thing.matching) {
      if (!now.contains(entry)) {
        entry.matched.remove(key);
      }
    }
    now.forEach(entry -> entry.matched.add(key));
    thing.matching.clear();
    thing.matching.addAll(now);
  }

  private void ask(Entry<K> entry, Thing<K> thing, Set<Entry<K>> matching) {
    evaluations++;
    if (entry.selector.matches(thing.labels)) {
      matching.add(entry);
    }
  }

  /** Removes a thing, if it is there. */
  void remove(K key) {
    Thing<K> thing = things.remove(key);
    if (thing != null) {
      forget(key, thing.labels);
      thing.matching.forEach(entry -> entry.matched.remove(key));
    }
  }

  /** Adds a selector, if it is not there. */
  void add(Selector selector) {
    if (entries.containsKey(selector)) {
      return;
    }
    Entry<K> entry = new Entry<>(selector);
    entries.put(selector, entry);
    Optional<Required> required = selector.required();
    if (required.isEmpty()) {
      demandingNothing.add(entry);
      things.keySet().forEach(key -> ask(entry, key));
      return;
    }
    String name = required.get().label();
    if (required.get().values().isEmpty()) {
      demandingLabel.add(name, entry);
      withLabel.get(name).forEach(key -> ask(entry, key));
    }
    for (String value : required.get().values()) {
      demandingValue.add(new Label(name, value), entry);
      withValue.get(new Label(name, value)).forEach(key -> ask(entry, key));
    }
  }

  private void ask(Entry<K> entry, K key) {
    Thing<K> thing = things.get(key);
    evaluations++;
    if (entry.selector.matches(thing.labels)) {
      thing.matching.add(entry);
      entry.matched.add(key);
    }
  }

  /** Removes a selector, if it is there. */
  void remove(Selector selector) {
    Entry<K> entry = entries.remove(selector);
    if (entry == null) {
      return;
    }
    entry.matched.forEach(key -> things.get(key).matching.remove(entry));
    demandingNothing.remove(entry);
    selector
        .required()
        .ifPresent(
            required -> {
              demandingLabel.remove(required.label(), entry);
              required
                  .values()
                  .forEach(
                      value -> demandingValue.remove(new Label(required.label(), value), entry));
            });
  }

  /** The things that a selector of the index matches: a live view. */
  Set<K> matched(Selector selector) {
    Entry<K> entry = entries.get(selector);
    return entry == null ? Set.of() : entry.matched;
  }

  /** The selectors that match a thing: a copy. */
  Set<Selector> matching(K key) {
    Thing<K> thing = things.get(key);
    Set<Selector> selectors = new HashSet<>();
    if (thing != null) {
      thing.matching.forEach(entry -> selectors.add(entry.selector));
    }
    return selectors;
  }
}
