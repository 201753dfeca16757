// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class KindNamesTest {
  @ParameterizedTest
  @CsvSource({
    "networkpolicy,NETWORK_POLICY",
    "NetworkPolicies,NETWORK_POLICY",
    "netpol,NETWORK_POLICY",
    "networkpolicies.networking.k8s.io,NETWORK_POLICY",
    "networkpolicy.projectcalico.org,CALICO_NETWORK_POLICY",
    "networkpolicies.crd.projectcalico.org,CALICO_NETWORK_POLICY",
    "cnp,CALICO_NETWORK_POLICY",
    "gnp,GLOBAL_NETWORK_POLICY",
    "globalnetworkpolicies.crd.projectcalico.org,GLOBAL_NETWORK_POLICY",
    "tiers,TIER",
    "netset,NETWORK_SET",
    "globalnetworksets,GLOBAL_NETWORK_SET",
    "hep,HOST_ENDPOINT",
    "profiles,PROFILE",
    "sa,SERVICE_ACCOUNT",
    "services.v1,SERVICE",
    "svc,SERVICE",
  })
  void kindsHaveManyNames(String name, Kind kind) {
    assertThat(KindNames.find(name)).contains(kind);
  }

  @Test
  void whatAKindIsCalledFindsIt() {
    for (Kind kind : Kind.values()) {
      assertThat(KindNames.find(kind.toString().toLowerCase(Locale.ROOT))).contains(kind);
      assertThat(Kind.ofUniqueName(kind.uniqueName())).contains(kind);
    }
    assertThat(Arrays.stream(Kind.values()).map(Kind::toString)).doesNotHaveDuplicates();
    assertThat(KindNames.find("policy")).isEmpty();
    assertThat(KindNames.unknown("netwrkpolicy"))
        .isEqualTo("\"netwrkpolicy\" is not a kind, did you mean networkpolicy?");
  }
}
