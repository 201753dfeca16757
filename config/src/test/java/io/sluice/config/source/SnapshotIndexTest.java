// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.source;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.config.model.Kind;
import io.sluice.config.model.ResourceKey;
import io.sluice.config.parse.Limits;
import io.sluice.config.parse.ManifestParser;
import io.sluice.config.parse.ParsedDocument;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** Change by change the same comes out as from the whole at once. */
class SnapshotIndexTest {
  private final ManifestParser parser = new ManifestParser(Limits.DEFAULT);

  private ParsedDocument parse(String yaml) {
    return parser.parse("t.yaml", yaml.getBytes(StandardCharsets.UTF_8)).get(0);
  }

  private static void put(SnapshotIndex index, ParsedDocument document) {
    index.put(document.resource().orElseThrow(), document.manifest().orElseThrow());
  }

  @Test
  void changesAddUpToTheWhole() {
    Random random = new Random(7);
    SnapshotIndex index = new SnapshotIndex();
    Map<ResourceKey, ParsedDocument> all = new TreeMap<>();
    for (int step = 0; step < 2000; step++) {
      String name = "web-" + random.nextInt(6);
      boolean slice = random.nextBoolean();
      if (random.nextInt(3) == 0) {
        Kind kind = slice ? Kind.ENDPOINT_SLICE : Kind.SERVICE;
        ResourceKey key = new ResourceKey(kind, "default", name);
        index.remove(key);
        all.remove(key);
      } else {
        // Few addresses, so that services often claim the same.
        ParsedDocument document =
            parse(
                slice
                    ? FolderFixture.slice(name, "web-" + random.nextInt(6), "10.1.0.2")
                    : FolderFixture.service(name, "10.0.0." + (1 + random.nextInt(3))));
        put(index, document);
        all.put(document.key().orElseThrow(), document);
      }
      SnapshotIndex whole = new SnapshotIndex();
      all.values().forEach(document -> put(whole, document));
      Snapshot expected = whole.build(Snapshot.EMPTY, true, step, List.of());
      assertThat(index.build(Snapshot.EMPTY, true, step, List.of())).isEqualTo(expected);
      assertThat(index.size()).isEqualTo(all.size());
    }
  }

  @Test
  void aFrontendThatItsOwnerGivesUpIsTheNextOnes() {
    SnapshotIndex index = new SnapshotIndex();
    put(index, parse(FolderFixture.service("a", "10.0.0.1")));
    put(index, parse(FolderFixture.service("b", "10.0.0.1")));
    ResourceKey b = new ResourceKey(Kind.SERVICE, "default", "b");
    assertThat(index.build(Snapshot.EMPTY, true, 1, List.of()).taken()).containsOnlyKeys(b);
    index.remove(new ResourceKey(Kind.SERVICE, "default", "a"));
    assertThat(index.build(Snapshot.EMPTY, true, 2, List.of()).taken()).isEmpty();
  }
}
