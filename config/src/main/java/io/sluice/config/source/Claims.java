// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.source;

import io.sluice.config.model.Resource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;

/**
 * What only one resource can have, and who says that it has it.
 *
 * @param <K> what is claimed
 * @param <R> who claims it
 */
final class Claims<K, R extends Resource> {
  private final Map<K, List<R>> claims = new HashMap<>();
  private final Set<K> contested = new HashSet<>();

  void claim(K what, R who) {
    List<R> claimants = claims.get(what);
    if (claimants == null) {
      claims.put(what, List.of(who));
      return;
    }
    List<R> more = new ArrayList<>(claimants);
    more.add(who);
    claims.put(what, more);
    contested.add(what);
  }

  void release(K what, R who) {
    List<R> rest = claims.get(what).stream().filter(r -> !r.key().equals(who.key())).toList();
    if (rest.isEmpty()) {
      claims.remove(what);
    } else {
      claims.put(what, rest);
    }
    if (rest.size() < 2) {
      contested.remove(what);
    }
  }

  /** Tells of each that has two claimants or more, those who have it first. */
  void judge(Comparator<? super R> seniority, BiConsumer<K, List<R>> judgement) {
    for (K what : contested) {
      judgement.accept(what, claims.get(what).stream().sorted(seniority).toList());
    }
  }
}
