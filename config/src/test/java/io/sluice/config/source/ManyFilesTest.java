// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.source;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.config.parse.Limits;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A large cluster's resources. The times are printed for people; nothing judges them. */
class ManyFilesTest {
  private static final int SERVICES = 10_000;

  @TempDir Path folder;

  @Test
  void readsTenThousandServicesAndChangesOne() throws IOException {
    StringBuilder one = new StringBuilder();
    for (int i = 0; i < SERVICES; i++) {
      String address = "10.9" + (i >> 12) + "." + (i >> 6 & 63) + "." + (1 + (i & 63));
      String both =
          FolderFixture.service("web-" + i, address)
              + "---\n"
              + FolderFixture.slice("web-" + i, "web-" + i, "10.244.1.2");
      if (i % 2 == 0) {
        Files.writeString(folder.resolve("web-" + i + ".yaml"), both);
      } else {
        one.append("---\n").append(both);
      }
    }
    Files.writeString(folder.resolve("rest.yaml"), one);
    FileSet files =
        new FileSet(
            folder,
            new FileSource.Options(false, Duration.ZERO, Duration.ofHours(1), Optional.empty()),
            Limits.DEFAULT);

    long start = System.nanoTime();
    Snapshot snapshot = files.scan().snapshot().orElseThrow();
    long read = System.nanoTime();
    Files.writeString(folder.resolve("web-0.yaml"), FolderFixture.service("web-0", "10.96.255.1"));
    long written = System.nanoTime();
    Snapshot changed = files.scan().snapshot().orElseThrow();
    long end = System.nanoTime();

    System.out.printf(
        "%d resources in %d ms; one of 5,001 files changed: %d ms%n",
        snapshot.resources().size(), (read - start) / 1_000_000, (end - written) / 1_000_000);
    assertThat(snapshot.resources()).hasSize(2 * SERVICES);
    assertThat(snapshot.problems()).isEmpty();
    assertThat(changed.resources()).hasSize(2 * SERVICES - 1);
  }
}
