// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.services;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import akka.actor.testkit.typed.javadsl.ActorTestKit;
import akka.actor.testkit.typed.javadsl.TestProbe;
import akka.actor.typed.ActorRef;
import akka.persistence.testkit.PersistenceTestKitPlugin;
import akka.persistence.testkit.PersistenceTestKitSnapshotPlugin;
import com.typesafe.config.ConfigFactory;
import io.sluice.actors.kernel.FakeKernel;
import io.sluice.actors.maps.MapManager;
import io.sluice.actors.promises.Promises;
import io.sluice.config.source.FileSource;
import io.sluice.config.source.Snapshot;
import io.sluice.kernel.layout.Backend;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Frontend;
import io.sluice.kernel.layout.FrontendKey;
import io.sluice.kernel.layout.Service;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** From manifests in a folder to what the maps say. */
@Timeout(value = 2, unit = TimeUnit.MINUTES)
final class ServiceManagerTest {
  private static final String WEB =
      """
      apiVersion: v1
      kind: Service
      metadata: {name: web, namespace: default}
      spec:
        clusterIP: 10.96.0.10
        clusterIPs: [10.96.0.10, "fd00:96::10"]
        ipFamilies: [IPv4, IPv6]
        ipFamilyPolicy: RequireDualStack
        ports:
          - {name: http, protocol: TCP, port: 80, targetPort: web-port}
          - {name: dns, protocol: UDP, port: 53, targetPort: 5353}
      """;

  private static final String SLICES =
      """
      apiVersion: discovery.k8s.io/v1
      kind: EndpointSlice
      metadata: {name: web-a, namespace: default, labels: {kubernetes.io/service-name: web}}
      addressType: IPv4
      ports:
        - {name: http, protocol: TCP, port: 8080}
        - {name: dns, protocol: UDP, port: 5353}
      endpoints:
        - {addresses: [10.244.1.3], conditions: {ready: true}}
        - {addresses: [10.244.1.4]}
        - {addresses: [10.244.1.5], conditions: {ready: false}}
      ---
      apiVersion: discovery.k8s.io/v1
      kind: EndpointSlice
      metadata: {name: web-b, namespace: default, labels: {kubernetes.io/service-name: web}}
      addressType: IPv4
      ports:
        - {name: http, protocol: TCP, port: 8081}
      endpoints:
        - {addresses: [10.244.1.3]}
      ---
      apiVersion: discovery.k8s.io/v1
      kind: EndpointSlice
      metadata: {name: web-6, namespace: default, labels: {kubernetes.io/service-name: web}}
      addressType: IPv6
      ports:
        - {name: http, protocol: TCP, port: 8080}
      endpoints:
        - {addresses: ["fd00:244:1::3"]}
      """;

  @TempDir Path folder;

  private final FakeKernel kernel = new FakeKernel(FakeKernel.Sizes.DEFAULT);
  private final ActorTestKit kit =
      ActorTestKit.create(
          PersistenceTestKitPlugin.getInstance()
              .config()
              .withFallback(PersistenceTestKitSnapshotPlugin.config())
              .withFallback(ConfigFactory.parseResources("persistence.conf"))
              .withFallback(ConfigFactory.load()));
  private final Safety safety = new Safety(kernel, () -> System.nanoTime() / 1_000_000);
  private ActorRef<ServiceManager.Command> manager;
  private FileSource source;

  @BeforeEach
  void start() {
    ActorRef<MapManager.Command> maps = kit.spawn(MapManager.create(kernel.open()));
    TestProbe<MapManager.Writers> probe = kit.createTestProbe();
    maps.tell(new MapManager.GetWriters(probe.ref()));
    ActorRef<Promises.Command> promises =
        kit.spawn(Promises.create(new Promises.Limits(65535, 262143, 100)));
    manager =
        kit.spawn(
            ServiceManager.create(
                "node1",
                probe.receiveMessage(Duration.ofSeconds(20)),
                promises,
                ServiceSyncer.Options.DEFAULT));
    source = new FileSource(folder, FileSource.Options.DEFAULT);
  }

  @AfterEach
  void stop() {
    source.close();
    kit.shutdownTestKit();
    assertThat(safety.violations()).isEmpty();
  }

  private void write(String name, String yaml) throws IOException {
    Path fresh = Files.writeString(folder.resolve(name + ".tmp"), yaml);
    Files.move(fresh, folder.resolve(name), StandardCopyOption.REPLACE_EXISTING);
  }

  private void follow() {
    source.start(snapshot -> manager.tell(new ServiceManager.Changed(snapshot)));
  }

  /** "address:port/protocol" to "address:port" of the backends. */
  private Map<String, Set<String>> found() {
    Map<String, Set<String>> found = new TreeMap<>();
    synchronized (kernel.lock) {
      for (Family family : Family.values()) {
        for (Map.Entry<FrontendKey, Frontend> entry :
            kernel.frontends.get(family).entries().entrySet()) {
          Service service = kernel.services.entries().get(entry.getValue().service());
          Set<String> backends = new TreeSet<>();
          for (int i = 0; i < service.count(); i++) {
            Backend backend = kernel.backends.get(family).entries().get(service.base() + i);
            backends.add(backend.addr() + ":" + backend.port());
          }
          FrontendKey key = entry.getKey();
          found.put(key.addr() + ":" + key.port() + "/" + key.proto(), backends);
        }
      }
    }
    return found;
  }

  private void awaitFound(Map<String, Set<String>> expected) {
    await()
        .atMost(Duration.ofSeconds(30))
        .untilAsserted(() -> assertThat(found()).isEqualTo(expected));
  }

  private Map<?, ?> notices() {
    TestProbe<ServiceManager.Notices> probe = kit.createTestProbe();
    manager.tell(new ServiceManager.GetNotices(probe.ref()));
    return probe.receiveMessage(Duration.ofSeconds(20)).notices();
  }

  @Test
  void portsFamiliesAndSlicesOfOneService() throws IOException {
    write("web.yaml", WEB);
    write("slices.yaml", SLICES);
    follow();
    awaitFound(
        Map.of(
            "10.96.0.10:80/6",
            Set.of("10.244.1.3:8080", "10.244.1.4:8080", "10.244.1.3:8081"),
            "10.96.0.10:53/17",
            Set.of("10.244.1.3:5353", "10.244.1.4:5353"),
            "fd00:96::10:80/6",
            Set.of("fd00:244:1::3:8080"),
            "fd00:96::10:53/17",
            Set.of()));
  }

  @Test
  @Tag("INV-SVC-3")
  void changeAndRemovalOfManifestsFollow() throws IOException {
    write("web.yaml", WEB.replaceAll("(?m)^ *- \\{name: dns.*\n", ""));
    write("slices.yaml", SLICES.replace("ready: false", "ready: true"));
    follow();
    await().atMost(Duration.ofSeconds(30)).until(() -> found().size() == 2);
    assertThat(found().get("10.96.0.10:80/6")).contains("10.244.1.5:8080");

    Files.delete(folder.resolve("slices.yaml"));
    awaitFound(Map.of("10.96.0.10:80/6", Set.of(), "fd00:96::10:80/6", Set.of()));

    Files.delete(folder.resolve("web.yaml"));
    awaitFound(Map.of());
    await()
        .atMost(Duration.ofSeconds(30))
        .untilAsserted(
            () -> {
              assertThat(kernel.services.copy()).isEmpty();
              assertThat(kernel.backends.get(Family.IPV4).copy()).isEmpty();
              assertThat(kernel.backends.get(Family.IPV6).copy()).isEmpty();
            });
  }

  @Test
  void notReadyAddressesAreServedWhereTheServiceSaysSo() throws IOException {
    write("web.yaml", WEB.replace("clusterIP:", "publishNotReadyAddresses: true\n  clusterIP:"));
    write("slices.yaml", SLICES);
    follow();
    await()
        .atMost(Duration.ofSeconds(30))
        .untilAsserted(
            () ->
                assertThat(found().getOrDefault("10.96.0.10:80/6", Set.of()))
                    .contains("10.244.1.5:8080"));
  }

  @Test
  void whatIsNotServedIsSaidAndTheRestGoesOn() throws IOException {
    write("web.yaml", WEB);
    write("slices.yaml", SLICES);
    write(
        "others.yaml",
        """
        apiVersion: v1
        kind: Service
        metadata: {name: headless, namespace: default}
        spec: {clusterIP: None, ports: [{port: 80}]}
        ---
        apiVersion: v1
        kind: Service
        metadata: {name: outside, namespace: default}
        spec: {type: ExternalName, externalName: example.com}
        ---
        apiVersion: v1
        kind: Service
        metadata: {name: nodes, namespace: default}
        spec:
          type: NodePort
          clusterIP: 10.96.0.20
          clusterIPs: [10.96.0.20]
          externalIPs: [192.0.2.1, "2001:db8::1"]
          ports: [{port: 80, nodePort: 30080}]
        ---
        apiVersion: v1
        kind: Service
        metadata: {name: zz-late, namespace: default}
        spec:
          clusterIP: 10.96.0.10
          clusterIPs: [10.96.0.10]
          ports: [{name: first, port: 80}, {name: other, port: 81}]
        """);
    follow();
    await().atMost(Duration.ofSeconds(30)).until(() -> found().size() == 8);
    assertThat(found())
        .containsKeys("10.96.0.20:80/6", "192.0.2.1:80/6", "0.0.0.0:30080/6", "10.96.0.10:81/6");
    assertThat(found().get("10.96.0.10:80/6")).isNotEmpty();
    String said = notices().toString();
    assertThat(said)
        .contains("zz-late", "older service", "2001:db8::1 is not served")
        .doesNotContain("headless", "outside");
  }

  private static String claimant(String name, int number, String created) {
    return """
        apiVersion: v1
        kind: Service
        metadata: {name: %s, namespace: default, creationTimestamp: "%s"}
        spec:
          type: LoadBalancer
          clusterIPs: [10.96.1.%d, "fd00:96:1::%d"]
          ipFamilies: [IPv4, IPv6]
          externalIPs: [192.0.2.1, "2001:db8::1"]
          ports: [{port: 80, nodePort: 30080}]
        status: {loadBalancer: {ingress: [{ip: 192.0.2.9}, {ip: "2001:db8::9"}]}}
        """
        .formatted(name, created, number, number);
  }

  private static String endpointsOf(String name, int number) {
    String slice =
        """
        apiVersion: discovery.k8s.io/v1
        kind: EndpointSlice
        metadata: {name: %s-%s, namespace: default, labels: {kubernetes.io/service-name: %s}}
        addressType: %s
        ports: [{port: 8080}]
        endpoints: [{addresses: ["%s%d"]}]
        """;
    return slice.formatted(name, 4, name, "IPv4", "10.244.1.", number)
        + "---\n"
        + slice.formatted(name, 6, name, "IPv6", "fd00:244::", number);
  }

  /** External addresses, the balancer's and node ports: the older service has them all. */
  @Test
  @Tag("INV-SVC-2")
  @Tag("INV-SVC-10")
  void whatTwoServicesClaimIsTheOldersAndAfterItTheOthers() throws IOException {
    write("a.yaml", claimant("a", 1, "2026-02-01T00:00:00Z"));
    write("b.yaml", claimant("b", 2, "2026-01-01T00:00:00Z"));
    write("ends.yaml", endpointsOf("a", 1) + "---\n" + endpointsOf("b", 2));
    Map<String, Set<String>> expected = new TreeMap<>();
    expected.put("10.96.1.1:80/6", Set.of("10.244.1.1:8080"));
    expected.put("fd00:96:1::1:80/6", Set.of("fd00:244::1:8080"));
    expected.put("10.96.1.2:80/6", Set.of("10.244.1.2:8080"));
    expected.put("fd00:96:1::2:80/6", Set.of("fd00:244::2:8080"));
    claims(expected, 2);
    follow();
    awaitFound(expected);
    assertThat(notices().toString())
        .contains(
            "Service default/a",
            "192.0.2.1:80/TCP is an older service's",
            "192.0.2.9:80/TCP is an older service's",
            "0.0.0.0:30080/TCP is an older service's",
            "[2001:db8::1]:80/TCP is an older service's",
            "[2001:db8::9]:80/TCP is an older service's",
            "[::]:30080/TCP is an older service's")
        .doesNotContain("Service default/b");

    Files.delete(folder.resolve("b.yaml"));
    expected.keySet().removeIf(key -> key.contains("1.2:") || key.contains("1::2:"));
    claims(expected, 1);
    awaitFound(expected);
    assertThat(notices()).isEmpty();
  }

  private static void claims(Map<String, Set<String>> expected, int backend) {
    for (String key : new String[] {"192.0.2.1:80/6", "192.0.2.9:80/6", "0.0.0.0:30080/6"}) {
      expected.put(key, Set.of("10.244.1." + backend + ":8080"));
    }
    for (String key : new String[] {"2001:db8::1:80/6", "2001:db8::9:80/6", ":::30080/6"}) {
      expected.put(key, Set.of("fd00:244::" + backend + ":8080"));
    }
  }

  /** This node's zone, and which endpoints are here, come from the resources, as they change. */
  @Test
  @Tag("INV-SVC-10")
  void theNodesZoneAndItsOwnPods() throws IOException {
    write("web.yaml", WEB.replaceAll("(?m)^ *- \\{name: dns.*\n", ""));
    write(
        "slices.yaml",
        """
        apiVersion: discovery.k8s.io/v1
        kind: EndpointSlice
        metadata: {name: web-a, namespace: default, labels: {kubernetes.io/service-name: web}}
        addressType: IPv4
        ports: [{name: http, port: 8080}]
        endpoints:
          - {addresses: [10.244.1.3], hints: {forZones: [{name: a}]}}
          - {addresses: [10.244.2.3], nodeName: node2, hints: {forZones: [{name: b}]}}
        ---
        apiVersion: v1
        kind: Pod
        metadata: {name: web-1, namespace: default}
        spec: {nodeName: node1}
        status: {podIPs: [{ip: 10.244.1.3}]}
        """);
    follow();
    awaitFound(
        Map.of(
            "10.96.0.10:80/6",
            Set.of("10.244.1.3:8080", "10.244.2.3:8080"),
            "fd00:96::10:80/6",
            Set.of()));
    assertThat(kernel.services.copy().values()).extracting(Service::local).containsOnly(0, 1);
    for (String zone : new String[] {"b", "a"}) {
      write(
          "node.yaml",
          """
          apiVersion: v1
          kind: Node
          metadata: {name: node1, labels: {topology.kubernetes.io/zone: %s}}
          """
              .formatted(zone));
      awaitFound(
          Map.of(
              "10.96.0.10:80/6",
              Set.of(zone.equals("a") ? "10.244.1.3:8080" : "10.244.2.3:8080"),
              "fd00:96::10:80/6",
              Set.of()));
    }
  }

  @Test
  @Tag("INV-AG-3")
  void emptySnapshotThatIsNotInSyncChangesNothing() throws IOException {
    write("web.yaml", WEB);
    write("slices.yaml", SLICES);
    follow();
    await().atMost(Duration.ofSeconds(30)).until(() -> found().size() == 4);
    ActorRef<MapManager.Command> maps = kit.spawn(MapManager.create(kernel.open()));
    TestProbe<MapManager.Writers> probe = kit.createTestProbe();
    maps.tell(new MapManager.GetWriters(probe.ref()));
    ActorRef<Promises.Command> promises =
        kit.spawn(Promises.create(new Promises.Limits(65535, 262143, 100)));
    kit.stop(manager);
    safety.forget();
    manager =
        kit.spawn(
            ServiceManager.create(
                "node1",
                probe.receiveMessage(Duration.ofSeconds(20)),
                promises,
                ServiceSyncer.Options.DEFAULT));
    manager.tell(new ServiceManager.Changed(Snapshot.EMPTY));
    TestProbe<ServiceSyncer.Status> status = kit.createTestProbe();
    manager.tell(new ServiceManager.GetStatus(status.ref()));
    assertThat(status.receiveMessage(Duration.ofSeconds(20)).applied()).isFalse();
    assertThat(safety.log()).isEmpty();
  }
}
