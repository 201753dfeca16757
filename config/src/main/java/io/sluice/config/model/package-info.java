// SPDX-License-Identifier: Apache-2.0
/**
 * The resources that a user asks for, as immutable records with Kubernetes' and Calico's meaning.
 * What is absent on the wire has its default here, so that readers need not know either's rules.
 */
package io.sluice.config.model;
