// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.affinity;

import io.sluice.kernel.dataplane.Dataplane;
import io.sluice.kernel.layout.Affinity;
import io.sluice.kernel.layout.AffinityKey;
import io.sluice.kernel.layout.BackendGen;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Service;
import io.sluice.kernel.layout.ServiceFlags;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Judges elements of the affinity maps, as the programs do: what is judged here is a miss there.
 * For one scan; what it reads of services and backends it reads once.
 */
final class AffinityJudge {
  /** Why an element is good for nothing. */
  enum Cause {
    /** The service is no more, is of the other family, or has no affinity. */
    SERVICE,
    /** The backend is no more. */
    BACKEND,
    /** The client has opened no flow for longer than the service's time. */
    AGE
  }

  /**
   * So much longer than the time-out an element stays: whatever the programs round, an element that
   * is judged old here is old there.
   */
  private static final int MARGIN_SECONDS = 1;

  private final Dataplane dataplane;
  private final Family family;
  private final long leastSeconds;
  private final int now;
  private final int hz;
  private final Map<Integer, Long> timeouts = new HashMap<>();
  private final Map<Integer, Integer> gens = new HashMap<>();

  /**
   * @param least a time that holds for all services where theirs is shorter
   */
  AffinityJudge(Dataplane dataplane, Family family, Duration least) {
    this.dataplane = dataplane;
    this.family = family;
    this.leastSeconds = least.toSeconds();
    this.now = dataplane.jiffies();
    this.hz = dataplane.hz();
  }

  Optional<Cause> judge(AffinityKey key, Affinity element) {
    long timeout = timeouts.computeIfAbsent(key.service(), this::timeout);
    if (timeout <= 0) {
      return Optional.of(Cause.SERVICE);
    }
    if (gens.computeIfAbsent(element.id(), this::gen) != element.gen()) {
      return Optional.of(Cause.BACKEND);
    }
    // 32 bits of jiffies: negative is what was renewed after the clock was read.
    int age = now - element.lastUsed();
    return age > (timeout + MARGIN_SECONDS) * hz ? Optional.of(Cause.AGE) : Optional.empty();
  }

  /** Seconds; 0: the service has no affinity. Of two time-outs that apply the longer holds. */
  private long timeout(int id) {
    Optional<Service> service =
        id > 0 && id < dataplane.services().maxEntries()
            ? dataplane.services().get(id)
            : Optional.empty();
    return service
        .filter(s -> (s.flags() & ServiceFlags.SERVICE_IN_USE) != 0)
        .filter(s -> ((s.flags() & ServiceFlags.SERVICE_IPV6) != 0) == (family == Family.IPV6))
        .map(s -> Math.max(Integer.toUnsignedLong(s.affinitySeconds()), leastSeconds))
        .orElse(0L);
  }

  /** The generation that is alive; of an ID that cannot be, one that is not the element's. */
  private int gen(int id) {
    return id > 0 && id < dataplane.backendGen().maxEntries()
        ? dataplane.backendGen().get(id).map(BackendGen::gen).orElse(0)
        : -1;
  }
}
