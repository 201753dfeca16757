// SPDX-License-Identifier: Apache-2.0
/** Certificates and keys from PEM files, checked before anything relies on them. */
package io.sluice.cluster.tls;
