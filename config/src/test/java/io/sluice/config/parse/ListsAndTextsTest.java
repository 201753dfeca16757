// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.parse;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.config.model.EndpointSlice;
import io.sluice.config.model.EndpointSlice.Endpoint;
import io.sluice.config.model.FelixConfiguration;
import io.sluice.config.model.IpAddress;
import io.sluice.config.model.IpFamily;
import io.sluice.config.model.Manifest;
import io.sluice.config.model.Node;
import io.sluice.config.model.Pod;
import io.sluice.config.model.Protocol;
import io.sluice.config.model.RawValue;
import io.sluice.config.model.Resource;
import io.sluice.config.model.Service;
import io.sluice.config.model.Service.ServicePort;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What good manifests become. */
class ListsAndTextsTest {
  private static <T extends Resource> T read(Class<T> type, String text) {
    return type.cast(Manifests.parse(text).get(0).resource().orElseThrow());
  }

  @Test
  void aServiceHasKubernetesDefaults() {
    Service service = read(Service.class, Manifests.SERVICE);

    assertThat(service.type()).isEqualTo(Service.Type.CLUSTER_IP);
    assertThat(service.clusterIps()).containsExactly(IpAddress.parse("10.96.0.10"));
    assertThat(service.ipFamilies()).containsExactly(IpFamily.IPV4);
    assertThat(service.ports())
        .containsExactly(new ServicePort("http", Protocol.TCP, 80, "8080", 0, ""));
    assertThat(service.affinityTimeout()).isEqualTo(Duration.ofHours(3));
    assertThat(service.internalTrafficPolicy()).isEqualTo(Service.TrafficPolicy.CLUSTER);
    assertThat(service.meta().namespace()).isEqualTo("default");
    assertThat(service.headless()).isFalse();
  }

  @Test
  void aServiceCanHaveBothFamilies() {
    Service service =
        read(
            Service.class,
            Manifests.SERVICE.replace(
                "clusterIP: 10.96.0.10",
                "clusterIP: 10.96.0.10\n  clusterIPs: [10.96.0.10, 'fd00:96:0::a']"));

    assertThat(service.ipFamilies()).containsExactly(IpFamily.IPV4, IpFamily.IPV6);
    assertThat(service.frontends())
        .extracting(Object::toString)
        .containsExactly("10.96.0.10:80/TCP", "[fd00:96::a]:80/TCP");
  }

  @Test
  void aServiceWithoutAddressIsHeadless() {
    String text = Manifests.SERVICE.replace("10.96.0.10", "None");

    assertThat(read(Service.class, text).headless()).isTrue();
    assertThat(Manifests.problems(text)).isEmpty();
  }

  @Test
  void nodePortsAreClaimedOnEachAddressOfTheNode() {
    String text =
        Manifests.SERVICE
            .replace("clusterIP:", "type: NodePort\n  clusterIP:")
            .replace("targetPort: 8080", "targetPort: web\n    nodePort: 30080");

    Service service = read(Service.class, text);

    assertThat(service.ports().get(0).targetPort()).isEqualTo("web");
    assertThat(service.frontends())
        .extracting(Object::toString)
        .containsExactly("10.96.0.10:80/TCP", "0.0.0.0:30080/TCP");
  }

  @Test
  void unknownConditionsMeanReady() {
    String text = Manifests.SLICE.replace("{ready: true}", "{ready: null, terminating: true}");

    Endpoint endpoint = read(EndpointSlice.class, text).endpoints().get(0);

    assertThat(endpoint.ready()).isTrue();
    assertThat(endpoint.serving()).isTrue();
    assertThat(endpoint.terminating()).isTrue();
  }

  /** As kube-proxy takes it: who terminates and does not say more still serves. */
  @Test
  @Tag("INV-SVC-10")
  void unknownServingMeansServing() {
    String text = Manifests.SLICE.replace("{ready: true}", "{ready: false, terminating: true}");
    assertThat(read(EndpointSlice.class, text).endpoints().get(0).serving()).isTrue();

    String down = Manifests.SLICE.replace("{ready: true}", "{ready: false, serving: false}");
    assertThat(read(EndpointSlice.class, down).endpoints().get(0).serving()).isFalse();
  }

  /** What is left over of a former type has no effect, and is told. */
  @Test
  void loadBalancersPartsWithoutALoadBalancer() {
    String text =
        Manifests.SERVICE.replace(
                "clusterIP:", "loadBalancerSourceRanges: [10.0.0.0/8]\n  clusterIP:")
            + "status: {loadBalancer: {ingress: [{ip: 192.0.2.1}]}}\n";
    assertThat(Manifests.problems(text))
        .extracting(Object::toString)
        .anyMatch(p -> p.contains("loadBalancerSourceRanges: has no effect with type ClusterIP"))
        .anyMatch(p -> p.contains("status.loadBalancer: has no effect with type ClusterIP"))
        .hasSize(2);
    assertThat(read(Service.class, text).frontends())
        .extracting(Object::toString)
        .noneMatch(f -> f.startsWith("192.0.2.1"));
  }

  @Test
  void aSliceNamesItsService() {
    EndpointSlice slice = read(EndpointSlice.class, Manifests.SLICE);

    assertThat(slice.service()).hasToString("Optional[Service default/web]");
    assertThat(slice.endpoints().get(0).nodeName()).isEqualTo("node1");
  }

  @Test
  void readsPodsAndNodes() {
    Pod pod = read(Pod.class, Manifests.POD);
    assertThat(pod.podIps())
        .extracting(Object::toString)
        .containsExactly("10.244.1.2", "fd00:244:1::2");
    assertThat(pod.ports()).containsExactly(new Pod.ContainerPort("", Protocol.TCP, 8080));
    assertThat(pod.finished()).isFalse();

    Node node = read(Node.class, Manifests.NODE);
    assertThat(node.addresses()).hasSize(1);
    assertThat(node.podCidrs())
        .extracting(Object::toString)
        .containsExactly("10.244.1.0/24", "fd00:244:1::/64");
  }

  @Test
  void felixConfigurationKeepsWhatItSays() {
    FelixConfiguration felix = read(FelixConfiguration.class, Manifests.FELIX);

    assertThat(felix.spec()).containsEntry("bpfLogLevel", new RawValue.Scalar("Off"));
  }

  @Test
  void oneBadItemOfAListLeavesTheOthers() {
    String list =
        """
        apiVersion: v1
        kind: List
        items:
        - {apiVersion: v1, kind: Namespace, metadata: {name: a}}
        - {apiVersion: v1, kind: Namespace, metadata: {name: B}}
        - {apiVersion: v1, kind: Namespace, metadata: {name: c}}
        """;

    List<ParsedDocument> documents = Manifests.parse(list);

    assertThat(documents)
        .extracting(d -> d.resource().isPresent())
        .containsExactly(true, false, true);
    assertThat(documents.get(1).problems().get(0).line()).isEqualTo(5);
  }

  @Test
  void itemsOfATypedListNeedNoKind() {
    String list =
        """
        apiVersion: v1
        kind: NamespaceList
        items:
        - metadata: {name: a}
        """;

    assertThat(Manifests.parse(list)).singleElement().matches(d -> d.resource().isPresent());
  }

  @Test
  void anchorsAndMergesWork() {
    String text =
        """
        apiVersion: v1
        kind: Namespace
        metadata:
          name: a
          labels: &l {x: y}
          annotations: {<<: *l, z: w}
        """;

    assertThat(Manifests.parse(text).get(0).resource().orElseThrow().meta().annotations())
        .containsOnlyKeys("x", "z");
  }

  @Test
  void countsLinesThroughDirectivesCommentsAndWindowsLineEnds() {
    String text =
        "%YAML 1.2\r\n# one\r\n---\r\nkind: Namespace\r\napiVersion: v1\r\nmetadata: {name: a}\r\n"
            + "---\r\n---\r\nkind: Namespace\r\napiVersion: v9\r\n";

    assertThat(Manifests.parse(text).get(0).resource()).isPresent();
    assertThat(Manifests.problems(text))
        .containsExactly("m.yaml:10: apiVersion: \"v9\" has no Namespace, write v1");
  }

  @ParameterizedTest
  @MethodSource("manifests")
  void whatIsWrittenAgainIsReadTheSame(String text) {
    ParsedDocument first = Manifests.parse(text).get(0);
    Manifest manifest = first.manifest().orElseThrow();

    ParsedDocument fromYaml = Manifests.parse(manifest.toYaml()).get(0);
    ParsedDocument fromJson = Manifests.parse("m.json", manifest.toPrettyJson()).get(0);

    assertThat(fromYaml.resource()).isEqualTo(first.resource());
    assertThat(fromYaml.manifest().orElseThrow().json()).isEqualTo(manifest.json());
    assertThat(fromJson.resource()).isEqualTo(first.resource());
  }

  static List<String> manifests() {
    return Manifests.ALL;
  }
}
