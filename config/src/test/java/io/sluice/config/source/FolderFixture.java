// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.source;

import io.sluice.config.model.Problem;
import io.sluice.config.model.ResourceKey;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** Manifests on disk, for tests. */
final class FolderFixture {
  /** No waiting: each scan reads what is there. */
  static final FileSource.Options AT_ONCE =
      new FileSource.Options(false, Duration.ZERO, Duration.ofHours(1), Optional.empty());

  private FolderFixture() {}

  static String service(String name, String address) {
    return """
    apiVersion: v1
    kind: Service
    metadata:
      name: %s
    spec:
      clusterIP: %s
      ports:
      - port: 80
    """
        .formatted(name, address);
  }

  static String slice(String name, String service, String address) {
    return """
    apiVersion: discovery.k8s.io/v1
    kind: EndpointSlice
    metadata:
      name: %s
      labels: {kubernetes.io/service-name: %s}
    addressType: IPv4
    ports: [{port: 8080}]
    endpoints:
    - addresses: [%s]
    """
        .formatted(name, service, address);
  }

  /** Writes beside the file and renames, as careful writers do. */
  static void write(Path file, String text) throws IOException {
    Path fresh = file.resolveSibling("." + file.getFileName() + ".tmp");
    Files.writeString(fresh, text);
    Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  static List<String> names(Snapshot snapshot) {
    return snapshot.resources().keySet().stream().map(ResourceKey::toString).toList();
  }

  static List<String> lines(List<Problem> problems) {
    return problems.stream().map(Problem::toString).toList();
  }
}
