// SPDX-License-Identifier: Apache-2.0
package io.sluice.persistence;

import io.sluice.persistence.StateFile.Identity;
import io.sluice.persistence.StateFile.Standing;
import java.util.Collection;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;

/**
 * When a copy of the shared state that was begun anew may count, that is, be asked by those who
 * recover and acknowledge what others write.
 *
 * <p>What was acknowledged is in as many copies as decide. If this one was among them and has
 * forgotten, the others of them, one fewer than decide, still have it: whoever has read as many
 * other copies as decide has met one. Copies that were lost, too, are no help, and do not count.
 *
 * <p>Nothing is acknowledged where nobody was ever whole: as many as decide, all new, can found the
 * shared state. One of them learns of it from another, which then is whole already.
 */
record CatchUp(Identity self, int deciding, Collection<Identity> others) {

  /**
   * @return nothing: not yet; otherwise the founders that are to be remembered
   */
  Optional<Set<String>> whole() {
    if (deciding <= 1) {
      return Optional.of(Set.of());
    }
    Optional<Set<String>> joined = founded();
    if (joined.isPresent()) {
      return joined;
    }
    return helpful() >= deciding ? Optional.of(Set.of()) : Optional.empty();
  }

  private Optional<Set<String>> founded() {
    if (self.standing() != Standing.NEW) {
      return Optional.empty();
    }
    Set<String> founders = new HashSet<>(Set.of(self.id()));
    for (Identity other : others) {
      if (other.standing() == Standing.WHOLE) {
        return others.stream()
            .map(Identity::founders)
            .filter(those -> those.contains(self.id()))
            .findAny();
      }
      if (other.standing() == Standing.NEW) {
        founders.add(other.id());
      }
    }
    return founders.size() >= deciding ? Optional.of(founders) : Optional.empty();
  }

  /** How many other copies have told what they know and have not lost. */
  long helpful() {
    return others.stream().filter(other -> other.standing() != Standing.LOST).count();
  }
}
