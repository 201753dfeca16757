// SPDX-License-Identifier: Apache-2.0
package io.sluice.bench.house;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.config.model.EndpointSlice;
import io.sluice.config.model.IpFamily;
import io.sluice.config.model.Resource;
import io.sluice.config.model.Service;
import io.sluice.config.source.FileSource;
import io.sluice.config.source.Snapshot;
import io.sluice.lab.Addresses;
import io.sluice.lab.Topology;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The manifests that the demo applies: valid, and about the lab's own pods. */
class ExamplesTest {
  private static Snapshot examples;

  @BeforeAll
  static void readExamples() throws Exception {
    Path folder = Path.of("..", "examples").toAbsolutePath().normalize();
    CompletableFuture<Snapshot> whole = new CompletableFuture<>();
    try (FileSource source =
        new FileSource(folder, FileSource.Options.DEFAULT.withRecursive(true))) {
      source.start(
          snapshot -> {
            if (snapshot.inSync()) {
              whole.complete(snapshot);
            }
          });
      examples = whole.get(30, SECONDS);
    }
  }

  @Test
  void nothingIsWrongWithThem() {
    assertThat(examples.problems()).isEmpty();
    assertThat(examples.aside()).isEmpty();
    assertThat(examples.taken()).isEmpty();
    assertThat(examples.all(Service.class))
        .extracting(service -> service.meta().name())
        .containsExactlyInAnyOrder("empty", "everywhere", "spread", "web");
  }

  @Test
  void everyServiceHasBothFamilies() {
    assertThat(examples.all(Service.class))
        .allSatisfy(
            service ->
                assertThat(service.ipFamilies())
                    .containsExactlyInAnyOrder(IpFamily.IPV4, IpFamily.IPV6));
  }

  @Test
  void everyBackendIsAPodOfTheLab() {
    Topology topology = Topology.standard(3);
    Set<String> pods =
        topology.pods().stream()
            .flatMap(
                pod ->
                    Stream.of(Addresses.pod4(topology, pod), Addresses.pod6(topology, pod))
                        .map(address -> backend(pod.id(), "sluice-" + pod.node(), address)))
            .collect(Collectors.toSet());
    List<String> backends =
        examples.all(EndpointSlice.class).stream()
            .flatMap(slice -> slice.endpoints().stream())
            .map(
                endpoint -> {
                  EndpointSlice.TargetRef pod = endpoint.targetRef().orElseThrow();
                  return backend(
                      pod.namespace() + "/" + pod.name(),
                      endpoint.nodeName(),
                      endpoint.addresses().get(0).toString());
                })
            .toList();
    assertThat(backends).hasSize(16);
    assertThat(pods).containsAll(backends);
  }

  private static String backend(String pod, String node, String address) {
    return pod + " on " + node + " at " + address;
  }

  @Test
  void servicesWithoutEndpointsAreMeantToBeSo() {
    Set<String> served =
        examples.all(EndpointSlice.class).stream()
            .map(slice -> slice.service().orElseThrow().name())
            .collect(Collectors.toSet());
    assertThat(examples.all(Service.class))
        .map(Resource::meta)
        .extracting(meta -> meta.name())
        .filteredOn(name -> !served.contains(name))
        .containsExactly("empty");
  }
}
