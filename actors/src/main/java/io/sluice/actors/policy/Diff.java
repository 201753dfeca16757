// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.policy;

import io.sluice.config.model.Resource;
import io.sluice.config.model.ResourceKey;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;

/** What two views do not have in common, found by identity: both are walked once, side by side. */
final class Diff {
  /**
   * One resource.
   *
   * @param before null: it is new
   * @param after null: it is gone
   */
  record Change(ResourceKey key, Resource before, Resource after) {}

  private Diff() {}

  static List<Change> between(
      SortedMap<ResourceKey, Resource> before, SortedMap<ResourceKey, Resource> after) {
    List<Change> changes = new ArrayList<>();
    Iterator<Map.Entry<ResourceKey, Resource>> olds = before.entrySet().iterator();
    Iterator<Map.Entry<ResourceKey, Resource>> news = after.entrySet().iterator();
    Map.Entry<ResourceKey, Resource> old = next(olds);
    Map.Entry<ResourceKey, Resource> fresh = next(news);
    while (old != null || fresh != null) {
      int order = old == null ? 1 : fresh == null ? -1 : old.getKey().compareTo(fresh.getKey());
      if (order < 0) {
        changes.add(new Change(old.getKey(), old.getValue(), null));
        old = next(olds);
      } else if (order > 0) {
        changes.add(new Change(fresh.getKey(), null, fresh.getValue()));
        fresh = next(news);
      } else {
        if (old.getValue() != fresh.getValue() && !old.getValue().equals(fresh.getValue())) {
          changes.add(new Change(old.getKey(), old.getValue(), fresh.getValue()));
        }
        old = next(olds);
        fresh = next(news);
      }
    }
    return changes;
  }

  private static Map.Entry<ResourceKey, Resource> next(
      Iterator<Map.Entry<ResourceKey, Resource>> entries) {
    return entries.hasNext() ? entries.next() : null;
  }
}
