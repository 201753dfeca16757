// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.source;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.config.model.ResourceKey;
import io.sluice.config.parse.Limits;
import io.sluice.config.parse.ManifestParser;
import io.sluice.config.parse.ParsedDocument;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Whatever becomes of a file, what it held stays in force as long as the file is not whole. */
@Tag("INV-CL-3")
class LastGoodFuzzTest {
  @Test
  void aRefusedDocumentRemovesNothing() {
    ManifestParser parser = new ManifestParser(Limits.DEFAULT);
    String text =
        FolderFixture.service("web", "10.96.0.1")
            + "---\n"
            + FolderFixture.service("api", "10.96.0.2")
            + "---\n"
            + FolderFixture.slice("web-1", "web", "10.244.1.2");
    FileState before = FileState.EMPTY.next("f.yaml", parse(parser, text));
    assertThat(before.good()).hasSize(3);
    Random random = new Random(7);
    int kept = 0;
    for (int round = 0; round < 10_000; round++) {
      StringBuilder mutated = new StringBuilder(text);
      int at = random.nextInt(text.length());
      mutated.replace(
          at, Math.min(text.length(), at + random.nextInt(6)), "" + (char) random.nextInt(128));
      List<ParsedDocument> documents = parse(parser, mutated.toString());
      FileState after = before.next("f.yaml", documents);
      boolean unidentified = documents.stream().anyMatch(d -> d.refused() && d.key().isEmpty());
      for (ResourceKey key : before.good().keySet()) {
        boolean refused =
            documents.stream()
                .anyMatch(d -> d.refused() && d.key().filter(key::equals).isPresent());
        if (refused || unidentified) {
          assertThat(after.good()).as("round %d", round).containsKey(key);
          kept++;
        }
      }
    }
    assertThat(kept).isGreaterThan(1000);
  }

  private static List<ParsedDocument> parse(ManifestParser parser, String text) {
    return parser.parse("f.yaml", text.getBytes(StandardCharsets.UTF_8));
  }
}
