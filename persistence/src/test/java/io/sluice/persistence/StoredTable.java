// SPDX-License-Identifier: Apache-2.0
package io.sluice.persistence;

import com.fasterxml.jackson.annotation.JsonCreator;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Records as entities store them, and one as an earlier and a later version know it. */
final class StoredTable {
  private StoredTable() {}

  record Table(
      String name,
      long generation,
      List<String> backends,
      Map<String, Integer> weights,
      byte[] slots)
      implements CborSerializable {}

  /** As the earlier version wrote it. */
  record Before(String name, long generation) implements CborSerializable {}

  /** As the later one reads it: what the earlier did not know has a default. */
  record After(String name, long generation, Optional<String> note, List<String> tags)
      implements CborSerializable {
    @JsonCreator
    After {
      note = note == null ? Optional.empty() : note;
      tags = tags == null ? List.of() : tags;
    }
  }

  record Text(String text) implements CborSerializable {}
}
