// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.source;

import static io.sluice.config.source.FolderFixture.names;
import static io.sluice.config.source.FolderFixture.service;
import static io.sluice.config.source.FolderFixture.slice;
import static io.sluice.config.source.FolderFixture.write;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.sluice.config.model.Kind;
import io.sluice.config.model.ResourceKey;
import io.sluice.config.model.Service;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A source with its thread and the kernel's notifications. */
class FileSourceTest {
  private static final ResourceKey WEB = new ResourceKey(Kind.SERVICE, "default", "web");
  private static final FileSource.Options WATCHING =
      new FileSource.Options(false, Duration.ofMillis(100), Duration.ofHours(1), Optional.empty());

  @TempDir Path folder;
  private final List<Snapshot> seen = new CopyOnWriteArrayList<>();
  private FileSource source;

  @AfterEach
  void close() {
    if (source != null) {
      source.close();
    }
  }

  private void start(Path path, FileSource.Options options) {
    source = new FileSource(path, options);
    source.start(seen::add);
  }

  private Snapshot last() {
    return seen.get(seen.size() - 1);
  }

  private void awaitNames(String... expected) {
    await()
        .untilAsserted(
            () -> {
              assertThat(seen).isNotEmpty();
              assertThat(names(last())).containsExactly(expected);
            });
  }

  @Test
  void followsEditsWithoutAskingAgain() throws IOException {
    write(folder.resolve("web.yaml"), service("web", "10.96.0.1"));
    start(folder, WATCHING);
    awaitNames("Service default/web");
    assertThat(last().inSync()).isTrue();

    Files.writeString(folder.resolve("api.yaml"), service("api", "10.96.0.2"));
    awaitNames("Service default/api", "Service default/web");

    write(folder.resolve("web.yaml"), service("web", "10.96.0.9"));
    await()
        .until(
            () ->
                last()
                    .find(Service.class, WEB)
                    .filter(s -> s.clusterIps().get(0).toString().equals("10.96.0.9"))
                    .isPresent());

    Files.delete(folder.resolve("web.yaml"));
    awaitNames("Service default/api");
    assertThat(seen).extracting(Snapshot::version).isSorted().doesNotHaveDuplicates();
  }

  @Test
  @Tag("INV-AG-3")
  void saysSoWhenTheFolderIsMissingAndTakesItWhenItComes() throws IOException {
    Path later = folder.resolve("later");
    start(
        later,
        new FileSource.Options(
            false, Duration.ofMillis(20), Duration.ofMillis(50), Optional.empty()));
    await().until(() -> !seen.isEmpty());
    assertThat(last().inSync()).isFalse();
    assertThat(last().problems()).hasSize(1);

    Files.createDirectory(later);
    write(later.resolve("web.yaml"), service("web", "10.96.0.1"));

    awaitNames("Service default/web");
    assertThat(last().inSync()).isTrue();
  }

  @Test
  void finishedFilesOnlyAreRead() throws IOException {
    start(folder, WATCHING);
    await().until(() -> !seen.isEmpty());
    Path file = folder.resolve("all.yaml");
    String text = service("web", "10.96.0.1") + "---\n" + slice("web-1", "web", "10.244.1.2");
    try (OutputStream out = Files.newOutputStream(file)) {
      for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
        out.write(b);
        out.flush();
      }
    }

    awaitNames("Service default/web", "EndpointSlice default/web-1");
    assertThat(seen).allSatisfy(s -> assertThat(s.problems()).isEmpty());
  }

  @Test
  void looksAgainWhereNotificationsAreLost() throws IOException {
    Path real = Files.createDirectory(folder.resolve("one"));
    write(real.resolve("web.yaml"), service("web", "10.96.0.1"));
    Path other = Files.createDirectory(folder.resolve("two"));
    write(other.resolve("api.yaml"), service("api", "10.96.0.2"));
    Path link = Files.createSymbolicLink(folder.resolve("link"), real);
    start(
        link,
        new FileSource.Options(
            false, Duration.ofMillis(20), Duration.ofMillis(50), Optional.empty()));
    awaitNames("Service default/web");

    Path swap = Files.createSymbolicLink(folder.resolve("swap"), other);
    Files.move(swap, link, java.nio.file.StandardCopyOption.ATOMIC_MOVE);

    awaitNames("Service default/api");
  }

  @Test
  void aFailingListenerIsCalledAgain() throws IOException {
    source = new FileSource(folder, WATCHING);
    source.start(
        snapshot -> {
          seen.add(snapshot);
          throw new IllegalStateException("not today");
        });
    await().until(() -> seen.size() == 1);

    write(folder.resolve("web.yaml"), service("web", "10.96.0.1"));

    await().until(() -> seen.size() == 2);
  }

  @Test
  void saysNothingAfterItIsClosed() throws IOException {
    start(folder, WATCHING);
    await().until(() -> !seen.isEmpty());
    source.close();
    int before = seen.size();

    write(folder.resolve("web.yaml"), service("web", "10.96.0.1"));

    await().during(Duration.ofMillis(300)).until(() -> seen.size() == before);
    assertThatThrownBy(() -> source.start(seen::add)).isInstanceOf(IllegalStateException.class);
  }
}
