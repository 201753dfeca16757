// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.source;

import static io.sluice.config.source.FolderFixture.AT_ONCE;
import static io.sluice.config.source.FolderFixture.lines;
import static io.sluice.config.source.FolderFixture.names;
import static io.sluice.config.source.FolderFixture.service;
import static io.sluice.config.source.FolderFixture.slice;
import static io.sluice.config.source.FolderFixture.write;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.config.model.Frontend;
import io.sluice.config.model.IpAddress;
import io.sluice.config.model.Kind;
import io.sluice.config.model.NetworkPolicy;
import io.sluice.config.model.Protocol;
import io.sluice.config.model.Resource;
import io.sluice.config.model.ResourceKey;
import io.sluice.config.model.Service;
import io.sluice.config.model.Tier;
import io.sluice.config.parse.Limits;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a folder says as a whole, one look after the other. */
class FileSetTest {
  private static final ResourceKey WEB = new ResourceKey(Kind.SERVICE, "default", "web");
  private static final ResourceKey API = new ResourceKey(Kind.SERVICE, "default", "api");

  private static final ResourceKey CLOSED =
      new ResourceKey(Kind.GLOBAL_NETWORK_POLICY, "", "closed");

  @TempDir Path root;
  private Path folder;
  private FileSet files;
  private Snapshot last = Snapshot.EMPTY;

  @BeforeEach
  void create() throws IOException {
    folder = Files.createDirectory(root.resolve("manifests"));
    files = new FileSet(folder, AT_ONCE, Limits.DEFAULT);
  }

  private Snapshot scan() {
    files.scan().snapshot().ifPresent(snapshot -> last = snapshot);
    return last;
  }

  private String address(ResourceKey key) {
    return last.find(Service.class, key).orElseThrow().clusterIps().get(0).toString();
  }

  @Test
  void followsCreationChangeAndRemoval() throws IOException {
    assertThat(scan().resources()).isEmpty();

    write(folder.resolve("web.yaml"), service("web", "10.96.0.1"));
    assertThat(names(scan())).containsExactly("Service default/web");

    write(folder.resolve("web.yaml"), service("web", "10.96.0.2"));
    scan();
    assertThat(address(WEB)).isEqualTo("10.96.0.2");

    Files.delete(folder.resolve("web.yaml"));
    assertThat(scan().resources()).isEmpty();
    assertThat(last.problems()).isEmpty();
  }

  @Test
  void saysNothingWhereNothingChanged() throws IOException {
    write(folder.resolve("web.yaml"), service("web", "10.96.0.1"));
    Snapshot first = scan();

    assertThat(files.scan().snapshot()).isEmpty();
    write(folder.resolve("api.yaml"), service("api", "10.96.0.2"));

    assertThat(scan().version()).isGreaterThan(first.version());
    assertThat(last.resources().get(WEB)).isSameAs(first.resources().get(WEB));
  }

  @Test
  @Tag("INV-CL-3")
  void keepsTheLastGoodVersionOfABadDocument() throws IOException {
    Path file = folder.resolve("all.yaml");
    write(file, service("web", "10.96.0.1") + "---\n" + service("api", "10.96.0.2"));
    scan();

    write(file, service("web", "10.96.0.999") + "---\n" + service("api", "10.96.0.3"));
    scan();

    assertThat(address(WEB)).isEqualTo("10.96.0.1");
    assertThat(address(API)).isEqualTo("10.96.0.3");
    assertThat(lines(last.newProblems()))
        .containsExactly(
            "all.yaml:6: Service default/web: spec.clusterIP: \"10.96.0.999\" is not an IP address;"
                + " its last good version stays in force");
  }

  @Test
  @Tag("INV-CL-3")
  void keepsThePolicyThatWasGoodWhateverIsWrongWithTheNextOne() throws IOException {
    String policy =
        "{apiVersion: projectcalico.org/v3, kind: GlobalNetworkPolicy, metadata: {name: closed},"
            + " spec: {tier: %s, selector: \"%s\", ingress: [{action: Deny, source: {nets:"
            + " [%s]}}]}}\n";
    Path file = folder.resolve("closed.yaml");
    write(file, policy.formatted("default", "has(app)", "10.0.0.0/8"));
    Resource good = scan().resources().get(CLOSED);
    assertThat(good).isNotNull();

    for (String bad :
        List.of(
            policy.formatted("default", "has(app", "10.0.0.0/8"),
            policy.formatted("default", "has(app)", "10.0.0.1/8"),
            policy.formatted("defualt", "has(app)", "10.0.0.0/8"),
            policy.formatted("default", "has(app)", "10.0.0.0/8").replace("source", "sorce"),
            policy.formatted("default", "has(app)", "10.0.0.0/8").replace("Deny", "Deny!"))) {
      write(file, bad);
      assertThat(scan().resources().get(CLOSED)).as(bad).isEqualTo(good);
      assertThat(last.newProblems()).as(bad).hasSize(1);
    }
  }

  @Test
  @Tag("INV-CL-3")
  void keepsWhatABrokenDocumentMayHaveHeld() throws IOException {
    Path file = folder.resolve("all.yaml");
    write(file, service("web", "10.96.0.1") + "---\n" + service("api", "10.96.0.2"));
    scan();

    write(file, "kind: [Service\n---\n" + service("api", "10.96.0.3"));
    scan();

    assertThat(address(WEB)).isEqualTo("10.96.0.1");
    assertThat(address(API)).isEqualTo("10.96.0.3");
    assertThat(lines(last.problems()))
        .containsExactly(
            "all.yaml: Service default/web: stays in force, for a document of this file cannot be"
                + " read",
            "all.yaml:2: is not YAML: expected ',' or ']', but got <stream end>");
  }

  @Test
  @Tag("INV-CL-3")
  void keepsWhatAFileThatIsNotTextHeld() throws IOException {
    Path file = folder.resolve("web.yaml");
    write(file, service("web", "10.96.0.1"));
    scan();

    Files.write(file, new byte[] {'a', '\n', (byte) 0xff});
    scan();
    assertThat(address(WEB)).isEqualTo("10.96.0.1");
    assertThat(lines(last.problems())).contains("web.yaml:2: is not UTF-8");

    Files.write(file, new byte[0]);
    scan();
    assertThat(address(WEB)).isEqualTo("10.96.0.1");
    assertThat(lines(last.problems()))
        .containsExactly(
            "web.yaml: is empty, delete it if that is meant; what it held stays in force");
  }

  @Test
  void tellsEachProblemOnce() throws IOException {
    write(folder.resolve("web.yaml"), service("web", "10.96.0.999"));
    assertThat(scan().newProblems()).hasSize(1);

    write(folder.resolve("api.yaml"), service("api", "10.96.0.2"));
    scan();

    assertThat(last.problems()).hasSize(1);
    assertThat(last.newProblems()).isEmpty();
  }

  @Test
  @Tag("INV-AG-3")
  void isNotInSyncWithoutItsFolder() throws IOException {
    Files.delete(folder);
    Snapshot missing = scan();
    assertThat(missing.inSync()).isFalse();
    assertThat(lines(missing.problems()))
        .containsExactly(
            folder + ": there is no such file or folder; nothing is changed until it can be read");
    assertThat(files.scan().snapshot()).isEmpty();

    Files.createDirectory(folder);
    write(folder.resolve("web.yaml"), service("web", "10.96.0.1"));
    assertThat(scan().inSync()).isTrue();
    assertThat(names(last)).containsExactly("Service default/web");
  }

  @Test
  @Tag("INV-AG-3")
  void keepsEverythingWhenTheFolderVanishes() throws IOException {
    Path file = folder.resolve("web.yaml");
    write(file, service("web", "10.96.0.1"));
    scan();

    Path elsewhere = root.resolve("elsewhere");
    Files.move(folder, elsewhere);
    scan();
    assertThat(last.inSync()).isTrue();
    assertThat(names(last)).containsExactly("Service default/web");
    assertThat(lines(last.problems()))
        .containsExactly(
            folder + ": there is no such file or folder; the last good state stays in force");

    Files.move(elsewhere, folder);
    assertThat(scan().problems()).isEmpty();
  }

  @Test
  void theOlderServiceKeepsAFrontend() throws IOException {
    String dated = "name: web\n  creationTimestamp: 2026-01-01T00:00:00Z";
    write(folder.resolve("a.yaml"), service("api", "10.96.0.1"));
    write(folder.resolve("b.yaml"), service("web", "10.96.0.1").replace("name: web", dated));
    scan();

    Frontend frontend = new Frontend(IpAddress.parse("10.96.0.1"), 80, Protocol.TCP);
    assertThat(last.owns(WEB, frontend)).isTrue();
    assertThat(last.owns(API, frontend)).isFalse();
    assertThat(lines(last.problems()))
        .containsExactly(
            "a.yaml:1: Service default/api: 10.96.0.1:80/TCP belongs to Service default/web"
                + " already");

    write(folder.resolve("b.yaml"), service("web", "10.96.0.1"));
    scan();
    assertThat(last.owns(API, frontend)).as("by name, where none has an age").isTrue();
    assertThat(last.owns(WEB, frontend)).isFalse();
  }

  @Test
  void theFirstFileToGiveANameHasIt() throws IOException {
    write(folder.resolve("b.yaml"), service("web", "10.96.0.2"));
    write(folder.resolve("a.yaml"), service("api", "10.96.0.1"));
    scan();
    write(folder.resolve("a.yaml"), service("web", "10.96.0.1"));
    scan();

    assertThat(address(WEB)).isEqualTo("10.96.0.1");
    assertThat(lines(last.problems()))
        .containsExactly("b.yaml:1: Service default/web: is defined already at a.yaml:1");
  }

  @Test
  void keepsASliceAsideUntilItsServiceComes() throws IOException {
    write(folder.resolve("slice.yaml"), slice("web-1", "web", "10.244.1.2"));
    scan();
    assertThat(last.resources()).isEmpty();
    assertThat(last.aside()).hasSize(1);
    assertThat(lines(last.problems()))
        .containsExactly(
            "slice.yaml:1: EndpointSlice default/web-1: metadata.labels: is kept aside: there is"
                + " no Service default/web");

    write(folder.resolve("web.yaml"), service("web", "10.96.0.1"));
    scan();
    assertThat(names(last)).containsExactly("Service default/web", "EndpointSlice default/web-1");
    assertThat(last.aside()).isEmpty();
    assertThat(last.problems()).isEmpty();
  }

  @Test
  void followsTheLinksOfAMountedConfigMap() throws IOException {
    Path first = Files.createDirectory(folder.resolve("..1"));
    Files.writeString(first.resolve("web.yaml"), service("web", "10.96.0.1"));
    Path second = Files.createDirectory(folder.resolve("..2"));
    Files.writeString(second.resolve("web.yaml"), service("web", "10.96.0.2"));
    Path data = folder.resolve("..data");
    Files.createSymbolicLink(data, Path.of("..1"));
    Files.createSymbolicLink(folder.resolve("web.yaml"), Path.of("..data", "web.yaml"));
    scan();
    assertThat(address(WEB)).isEqualTo("10.96.0.1");

    Path swap = Files.createSymbolicLink(folder.resolve("..swap"), Path.of("..2"));
    Files.move(swap, data, java.nio.file.StandardCopyOption.ATOMIC_MOVE);
    scan();
    assertThat(address(WEB)).isEqualTo("10.96.0.2");
  }

  @Test
  void readsFoldersBelowOnlyWhenAsked() throws IOException {
    Path below = Files.createDirectory(folder.resolve("below"));
    write(below.resolve("web.yaml"), service("web", "10.96.0.1"));
    write(folder.resolve("notes.txt"), "not a manifest");
    assertThat(scan().resources()).isEmpty();

    FileSet recursive = new FileSet(folder, AT_ONCE.withRecursive(true), Limits.DEFAULT);
    assertThat(names(recursive.scan().snapshot().orElseThrow()))
        .containsExactly("Service default/web");
  }

  @Test
  @Tag("INV-CL-3")
  @Tag("INV-AG-3")
  void aRestartBesideABadFileKeepsWhatWasInForce() throws IOException {
    FileSource.Options options = AT_ONCE.withLastGood(root.resolve("last-good"));
    Path file = folder.resolve("web.yaml");
    write(file, service("web", "10.96.0.1") + "---\n" + service("api", "10.96.0.2"));
    write(folder.resolve("gone.yaml"), service("gone", "10.96.0.3"));
    new FileSet(folder, options, Limits.DEFAULT).scan();
    Files.write(file, "\t: {\n".getBytes(StandardCharsets.UTF_8));
    Files.delete(folder.resolve("gone.yaml"));

    Snapshot after = new FileSet(folder, options, Limits.DEFAULT).scan().snapshot().orElseThrow();

    assertThat(after.inSync()).isTrue();
    assertThat(names(after)).containsExactly("Service default/api", "Service default/web");
    assertThat(root.resolve("last-good")).isDirectoryContaining("glob:**.json");
    try (var kept = Files.list(root.resolve("last-good"))) {
      assertThat(kept).hasSize(1);
    }
  }

  private static String policy(String tier, int order) {
    return """
        apiVersion: projectcalico.org/v3
        kind: GlobalNetworkPolicy
        metadata: {name: p}
        spec: {tier: %s, order: %d, types: [Ingress]}
        """
        .formatted(tier, order);
  }

  private static final String TIER =
      """
      apiVersion: projectcalico.org/v3
      kind: Tier
      metadata: {name: secure}
      spec: {order: 7}
      """;

  private Snapshot restart() {
    FileSource.Options options = AT_ONCE.withLastGood(root.resolve("last-good"));
    return new FileSet(folder, options, Limits.DEFAULT).scan().snapshot().orElseThrow();
  }

  private static List<Double> orders(Snapshot snapshot) {
    return snapshot.all(NetworkPolicy.class).stream().map(p -> p.order().orElseThrow()).toList();
  }

  /** However often it is started, and by which of the two the tier is not there any more. */
  @Test
  @Tag("INV-CL-3")
  @Tag("INV-AG-3")
  void aRestartBesideAPolicyWithoutItsTierKeepsWhatWasInForce() throws IOException {
    Path file = folder.resolve("p.yaml");
    Path tier = folder.resolve("tier.yaml");
    write(tier, TIER);
    write(file, policy("secure", 1));
    restart();
    write(file, policy("secvre", 2));
    for (int i = 0; i < 3; i++) {
      assertThat(orders(restart())).containsExactly(1.0);
    }
    Files.delete(tier);
    for (int i = 0; i < 3; i++) {
      Snapshot after = restart();
      assertThat(orders(after)).containsExactly(1.0);
      assertThat(after.all(Tier.class)).hasSize(1);
      assertThat(after.problems()).hasSize(1);
    }
    write(file, policy("secure", 3));
    assertThat(orders(restart())).as("of the tier that is deleted").containsExactly(3.0);
    Files.delete(file);
    assertThat(restart().resources()).isEmpty();
    write(file, policy("secvre", 4));
    assertThat(orders(restart())).as("it never was in force").isEmpty();
  }

  @Test
  @Tag("INV-CL-3")
  @Tag("INV-AG-3")
  void aFolderThatCannotBeReadAtTheStartLosesNoTierEither() throws IOException {
    Path file = folder.resolve("p.yaml");
    write(folder.resolve("tier.yaml"), TIER);
    write(file, policy("secure", 1));
    restart();
    write(file, policy("secvre", 2));
    Path away = Files.move(folder, folder.resolveSibling("away"));
    FileSource.Options options = AT_ONCE.withLastGood(root.resolve("last-good"));
    FileSet files = new FileSet(folder, options, Limits.DEFAULT);
    assertThat(files.scan().snapshot().orElseThrow().inSync()).isFalse();
    Files.move(away, folder);
    assertThat(orders(files.scan().snapshot().orElseThrow())).containsExactly(1.0);
  }
}
