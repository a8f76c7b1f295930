"""Days that a search says in words become a period, and nothing else of the text is lost."""

from datetime import date
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ged.ports import SearchQuery
from ged.search.said_days import NotRead, asked, not_a_day, not_read, said_days

TODAY = date(2026, 11, 29)


@pytest.mark.parametrize(
    ("text", "first", "last", "rest"),
    [
        ("lettre du 18 novembre 2026", "2026-11-18", "2026-11-18", ""),
        ("réponse au préfet de l'Ogou du mardi 18 novembre", "2026-11-18", "2026-11-18", "réponse au préfet de l'Ogou"),
        ("décret du 31 décembre", "2025-12-31", "2025-12-31", "décret"),
        ("1er mars 2026", "2026-03-01", "2026-03-01", ""),
        ("factures du dernier mois", "2026-10-29", "2026-11-29", "factures"),
        ("courriers de la dernière année", "2025-11-29", "2026-11-29", ""),
        ("loyer au cours du dernier mois", "2026-10-29", "2026-11-29", "loyer"),
        ("loyer lors de la dernière semaine", "2026-11-22", "2026-11-29", "loyer"),
        ("courriers de mardi urgents", "2026-11-24", "2026-11-24", "courriers urgents"),
        ("facture de mardi à payer", "2026-11-24", "2026-11-24", "facture à payer"),
        ("courriers de lundi non traités", "2026-11-23", "2026-11-23", "courriers non traités"),
        ("courriers du 3.11.26 au 18.11.26", "2026-11-03", "2026-11-18", ""),
        ("entre 12/11/26 et 17/11/26", "2026-11-12", "2026-11-17", ""),
        ("courriers de lundi expédiés", "2026-11-23", "2026-11-23", "courriers expédiés"),
        ("lettres de mardi relatives aux bourses", "2026-11-24", "2026-11-24", "lettres relatives aux bourses"),
        ("facture de mardi.", "2026-11-24", "2026-11-24", "facture ."),
        ("reçus le 30/11/2026", "2026-11-30", "2026-11-30", ""),
        ("lettre n° 30 du 2/9/2026", "2026-09-02", "2026-09-02", "lettre n° 30"),
        ("factures du 01/10/2026 au 31/10/2026", "2026-10-01", "2026-10-31", "factures"),
        ("courriers du 01/10 au 15/10/2026", "2026-10-01", "2026-10-15", ""),
        ("factures du mois de mars", "2026-03-01", "2026-03-31", "factures"),
        ("le mois de mars", "2026-03-01", "2026-03-31", ""),
        ("mois de novembre", "2026-11-01", "2026-11-30", ""),
        ("the month of December", "2025-12-01", "2025-12-31", ""),
        ("factures de novembre", "2026-11-01", "2026-11-30", "factures"),
        ("factures de novembre CEET", "2026-11-01", "2026-11-30", "factures CEET"),
        ("plaintes d'avril", "2026-04-01", "2026-04-30", "plaintes"),
        ("lettres de mars", "2026-03-01", "2026-03-31", ""),
        ("congé de décembre", "2025-12-01", "2025-12-31", "congé"),
        ("invoices of May", "2026-05-01", "2026-05-31", "invoices"),
        ("letters from October", "2026-10-01", "2026-10-31", ""),
        ("courriers de la semaine", "2026-11-23", "2026-11-29", ""),
        ("factures du mois en cours", "2026-11-01", "2026-11-30", "factures"),
        ("courriers du jour", "2026-11-29", "2026-11-29", ""),
        ("rapports de l'année", "2026-01-01", "2026-12-31", "rapports"),
        ("letters of the week", "2026-11-23", "2026-11-29", ""),
        ("recus de mars", "2026-03-01", "2026-03-31", ""),
        ("réponses de mars", "2026-03-01", "2026-03-31", "réponses"),
        ("enregistrées de mars", "2026-03-01", "2026-03-31", ""),
        ("arrivés de mai", "2026-05-01", "2026-05-31", ""),
        ("envoyés de mai", "2026-05-01", "2026-05-31", ""),
        ("arrêtés de mars", "2026-03-01", "2026-03-31", "arrêtés"),
        ("decision de mars", "2026-03-01", "2026-03-31", "decision"),
        ("certificat de mars", "2026-03-01", "2026-03-31", "certificat"),
        ("bordereaux de mars", "2026-03-01", "2026-03-31", "bordereaux"),
        ("factures  de mars", "2026-03-01", "2026-03-31", "factures"),
        ("bordereau de la semaine", "2026-11-23", "2026-11-29", "bordereau"),
        ("factures de mars CEET", "2026-03-01", "2026-03-31", "factures CEET"),
        ("Factures de Mars", "2026-03-01", "2026-03-31", "Factures"),
        ("factures du mois d'avril", "2026-04-01", "2026-04-30", "factures"),
        ("factures du mois d'avril 2025", "2025-04-01", "2025-04-30", "factures"),
        ("courriers au cours du mois de décembre", "2025-12-01", "2025-12-31", ""),
        ("plaintes pendant le mois de mars", "2026-03-01", "2026-03-31", "plaintes"),
        ("invoices received during the month of March", "2026-03-01", "2026-03-31", "invoices received"),
        ("letters in the month of December", "2025-12-01", "2025-12-31", ""),
        ("reçus au mois de novembre", "2026-11-01", "2026-11-30", ""),
        ("invoices of the month of March", "2026-03-01", "2026-03-31", "invoices"),
        ("letters between 1 and 5 November", "2026-11-01", "2026-11-05", ""),
        ("between the 1st and the 5th of November 2025", "2025-11-01", "2025-11-05", ""),
        ("between the 1st of October and the 5th of November", "2026-10-01", "2026-11-05", ""),
        ("invoices between 1 November and 5 November", "2026-11-01", "2026-11-05", "invoices"),
        ("between 01/11/2026 and 05/11/2026", "2026-11-01", "2026-11-05", ""),
        ("entre le 1er et le 5 novembre", "2026-11-01", "2026-11-05", ""),
        ("courriers reçus en mars", "2026-03-01", "2026-03-31", ""),
        ("courriers en décembre", "2025-12-01", "2025-12-31", ""),
        ("factures en novembre", "2026-11-01", "2026-11-30", "factures"),
        ("depuis décembre", "2025-12-01", "2026-11-29", ""),
        ("depuis mars", "2026-03-01", "2026-11-29", ""),
        ("depuis le mois d'avril", "2026-04-01", "2026-11-29", ""),
        ("depuis le mois d'avril 2025", "2025-04-01", "2026-11-29", ""),
        ("à partir d'octobre", "2026-10-01", "2026-11-29", ""),
        ("baux avant mars", "1000-01-01", "2026-02-28", "baux"),
        ("baux avant décembre", "1000-01-01", "2026-11-29", "baux"),
        ("jusqu'en décembre", "1000-01-01", "2026-11-29", ""),
        ("avant le 30 novembre", "1000-01-01", "2026-11-29", ""),
        ("before December 3", "1000-01-01", "2026-11-29", ""),
        ("avant fin mars", "1000-01-01", "2026-03-31", ""),
        ("après fin mars 2026", "2026-03-01", "2026-11-29", ""),
        ("après octobre", "2026-11-01", "2026-11-29", ""),
        ("jusqu'en mars", "1000-01-01", "2026-03-31", ""),
        ("fin novembre", "2026-11-01", "2026-11-30", ""),
        ("rapport de fin mai", "2026-05-01", "2026-05-31", "rapport"),
        ("début d'avril", "2026-04-01", "2026-04-30", ""),
        ("plaintes à la mi-mars", "2026-03-01", "2026-03-31", "plaintes"),
        ("depuis la mi-novembre", "2026-11-01", "2026-11-29", ""),
        ("de mars à juin", "2026-03-01", "2026-06-30", ""),
        ("entre novembre et janvier", "2026-11-01", "2027-01-31", ""),
        ("letters in December", "2025-12-01", "2025-12-31", ""),
        ("letters received since March", "2026-03-01", "2026-11-29", ""),
        ("since March 18", "2026-03-18", "2026-11-29", ""),
        ("invoices of late May", "2026-05-01", "2026-05-31", "invoices"),
        ("letters of the end of March 2025", "2025-03-01", "2025-03-31", ""),
        ("en mars et avril 2026", "2026-03-01", "2026-04-30", ""),
        ("reçus hier", "2026-11-28", "2026-11-28", ""),
        ("avant-hier", "2026-11-27", "2026-11-27", ""),
        ("courriers de la semaine dernière", "2026-11-16", "2026-11-22", ""),
        ("préfet semaine dernière", "2026-11-16", "2026-11-22", "préfet"),
        ("cette semaine", "2026-11-23", "2026-11-29", ""),
        ("factures du mois passé", "2026-10-01", "2026-10-31", "factures"),
        ("audit l'an dernier", "2025-01-01", "2025-12-31", "audit"),
        ("rapport mars 2026", "2026-03-01", "2026-03-31", "rapport"),
        ("lettre d'août 2025", "2025-08-01", "2025-08-31", ""),
        ("marché février 2024", "2024-02-01", "2024-02-29", "marché"),
        ("plan du 3 au 18 mars", "2026-03-03", "2026-03-18", "plan"),
        ("école du 20 décembre 2025 au 3 janvier 2026", "2025-12-20", "2026-01-03", "école"),
        ("depuis le 3 novembre", "2026-11-03", "2026-11-29", ""),
        ("depuis le 03/03/2026", "2026-03-03", "2026-11-29", ""),
        ("marchés depuis 2024", "2024-01-01", "2026-11-29", "marchés"),
        ("à partir du 3 mars 2026", "2026-03-03", "2026-11-29", ""),
        ("reçus après le 3 mars 2026", "2026-03-04", "2026-11-29", ""),
        ("courriers après mars 2026", "2026-04-01", "2026-11-29", ""),
        ("après le 1er janvier 2031", "2031-01-02", "2031-01-02", ""),
        ("plainte avant le 30 novembre 2026", "1000-01-01", "2026-11-29", "plainte"),
        ("avant le 30/11/2026", "1000-01-01", "2026-11-29", ""),
        ("baux avant mars 2026", "1000-01-01", "2026-02-28", "baux"),
        ("avant 2020", "1000-01-01", "2019-12-31", ""),
        ("jusqu'au 3 mars 2026", "1000-01-01", "2026-03-03", ""),
        ("letters before March 2026", "1000-01-01", "2026-02-28", ""),
        ("trois mars 2026", "2026-03-03", "2026-03-03", ""),
        ("le trente et un mars 2026", "2026-03-31", "2026-03-31", ""),
        ("lettre du vingt-deux mars 2026", "2026-03-22", "2026-03-22", ""),
        ("audit les 10 derniers jours", "2026-11-19", "2026-11-29", "audit"),
        ("congés du 25 décembre au 3 janvier 2026", "2025-12-25", "2026-01-03", "congés"),
        ("congés du 25 décembre au 3 janvier", "2025-12-25", "2026-01-03", "congés"),
        ("mission du 28 novembre au 2 décembre", "2026-11-28", "2026-12-02", "mission"),
        ("mission du 28 au 30 novembre", "2026-11-28", "2026-11-30", "mission"),
        ("mission du 30 novembre au 2 décembre", "2025-11-30", "2025-12-02", "mission"),
        ("bail du 3 mars 2025 au 5 avril", "2025-03-03", "2025-04-05", "bail"),
        ("bail du 25 décembre 2024 au 3 janvier", "2024-12-25", "2025-01-03", "bail"),
        ("du 1er au 3 mars au préfet", "2026-03-01", "2026-03-03", "au préfet"),
        ("marſ 2026", "2026-03-01", "2026-03-31", ""),
        ("fevrıer 2026", "2026-02-01", "2026-02-28", ""),
        ("reçus hıer", "2026-11-28", "2026-11-28", ""),
        ("letters of March 18, 2026", "2026-03-18", "2026-03-18", ""),
        ("audit received last month", "2026-10-01", "2026-10-31", "audit received"),
        ("facture en 2025", "2025-01-01", "2025-12-31", "facture"),
        ("courriers en 2099", "2099-01-01", "2099-12-31", ""),
        ("factures de l'année 2025", "2025-01-01", "2025-12-31", "factures"),
        ("invoice in 2025", "2025-01-01", "2025-12-31", "invoice"),
        ("l'année deux mille vingt-six", "2026-01-01", "2026-12-31", ""),
        ("lettre du trois mars deux mille vingt-six", "2026-03-03", "2026-03-03", ""),
        ("mars deux mille vingt et un", "2021-03-01", "2021-03-31", ""),
        ("mai mil neuf cent quatre-vingt-dix-neuf", "1999-05-01", "1999-05-31", ""),
        ("March two thousand and twenty-six", "2026-03-01", "2026-03-31", ""),
        ("letters of March 3rd, 2026", "2026-03-03", "2026-03-03", ""),
        ("in twenty twenty-five", "2025-01-01", "2025-12-31", ""),
        ("avant deux mille vingt", "1000-01-01", "2019-12-31", ""),
        ("le 3 mars dernier", "2026-03-03", "2026-03-03", ""),
        ("début mars 2026", "2026-03-01", "2026-03-31", ""),
        ("courant 2025", "2025-01-01", "2025-12-31", ""),
        ("mars dernier", "2026-03-01", "2026-03-31", ""),
        ("baux de novembre dernier", "2025-11-01", "2025-11-30", "baux"),
        ("entre mars et juin 2026", "2026-03-01", "2026-06-30", ""),
        ("bail de novembre à mars 2026", "2025-11-01", "2026-03-31", "bail"),
        ("audits de 2020 à 2024", "2020-01-01", "2024-12-31", "audits"),
        ("rapport du premier trimestre 2026", "2026-01-01", "2026-03-31", "rapport"),
        ("dernier trimestre 2025", "2025-10-01", "2025-12-31", ""),
        ("2e semestre 2025", "2025-07-01", "2025-12-31", ""),
        ("first quarter 2026", "2026-01-01", "2026-03-31", ""),
        ("ce matin", "2026-11-29", "2026-11-29", ""),
        ("avant hier", "2026-11-27", "2026-11-27", ""),
        ("depuis hier", "2026-11-28", "2026-11-29", ""),
        ("since yesterday", "2026-11-28", "2026-11-29", ""),
        ("lundi dernier", "2026-11-23", "2026-11-23", ""),
        ("dimanche dernier", "2026-11-22", "2026-11-22", ""),
        ("letters of last Monday", "2026-11-23", "2026-11-23", ""),
        ("reçus depuis lundi", "2026-11-23", "2026-11-29", ""),
        ("depuis la semaine dernière", "2026-11-16", "2026-11-29", ""),
        ("depuis le début de l'année", "2026-01-01", "2026-11-29", ""),
        ("factures depuis le début du mois", "2026-11-01", "2026-11-29", "factures"),
        ("il y a trois jours", "2026-11-26", "2026-11-26", ""),
        ("courriers d'il y a deux semaines", "2026-11-09", "2026-11-15", ""),
        ("il y a un mois", "2026-10-01", "2026-10-31", ""),
        ("il y a trois ans", "2023-01-01", "2023-12-31", ""),
        ("ces deux dernières années", "2024-11-29", "2026-11-29", ""),
        ("since the beginning of the year", "2026-01-01", "2026-11-29", ""),
        ("depuis le début de la semaine", "2026-11-23", "2026-11-29", ""),
        ("invoices of last March", "2026-03-01", "2026-03-31", "invoices"),
        ("invoices of the month of March 2026", "2026-03-01", "2026-03-31", "invoices"),
        ("invoices of November 18", "2026-11-18", "2026-11-18", "invoices"),
        ("invoices of the 18th of November 2026", "2026-11-18", "2026-11-18", "invoices"),
        ("invoices of the 18th of November", "2026-11-18", "2026-11-18", "invoices"),
        ("invoices from November 18 to November 20, 2026", "2026-11-18", "2026-11-20", "invoices"),
        ("invoices between November 18 and November 20, 2026", "2026-11-18", "2026-11-20", "invoices"),
        ("invoices from December 28, 2024 to January 3, 2026", "2024-12-28", "2026-01-03", "invoices"),
        ("invoices dated March 2026", "2026-03-01", "2026-03-31", "invoices"),
        ("invoices dated in March 2026", "2026-03-01", "2026-03-31", "invoices"),
        ("invoices of the year 2025", "2025-01-01", "2025-12-31", "invoices"),
        ("invoices from last week", "2026-11-16", "2026-11-22", "invoices"),
        ("letters of this month", "2026-11-01", "2026-11-30", ""),
        ("plaintes d'hier", "2026-11-28", "2026-11-28", "plaintes"),
        ("minutes of yesterday", "2026-11-28", "2026-11-28", "minutes"),
        ("minutes of the day before yesterday", "2026-11-27", "2026-11-27", "minutes"),
        ("minutes from last Monday", "2026-11-23", "2026-11-23", "minutes"),
        ("factures de lundi dernier", "2026-11-23", "2026-11-23", "factures"),
        ("invoices of two months ago", "2026-09-01", "2026-09-30", "invoices"),
        ("invoices of the last three weeks", "2026-11-08", "2026-11-29", "invoices"),
        ("invoices in the past week", "2026-11-22", "2026-11-29", "invoices"),
        ("entre 2024 et 2026", "2024-01-01", "2026-12-31", ""),
        ("de mars à mars 2026", "2026-03-01", "2026-03-31", ""),
        ("troisième trimestre 2026", "2026-07-01", "2026-09-30", ""),
        ("two weeks ago", "2026-11-09", "2026-11-15", ""),
        ("les trois derniers mois", "2026-08-29", "2026-11-29", ""),
        ("audit ces 2 dernières semaines", "2026-11-15", "2026-11-29", "audit"),
        ("the past week", "2026-11-22", "2026-11-29", ""),
        ("mail of the last 6 months", "2026-05-29", "2026-11-29", ""),
        ("depuis mars dernier", "2026-03-01", "2026-11-29", ""),
        ("before March 18, 2026", "1000-01-01", "2026-03-17", ""),
        ("avrİl 2026", "2026-04-01", "2026-04-30", ""),
        ("ſept mars 2026", "2026-03-07", "2026-03-07", ""),
        ("17 nov.", "2026-11-17", "2026-11-17", ""),
        ("lettre du 17 nov 2026", "2026-11-17", "2026-11-17", ""),
        ("17 NOV 2026", "2026-11-17", "2026-11-17", ""),
        ("facture nov. 2026 CEET", "2026-11-01", "2026-11-30", "facture CEET"),
        ("facture nov 2026", "2026-11-01", "2026-11-30", "facture"),
        ("sept. 2026", "2026-09-01", "2026-09-30", ""),
        ("sept 2026", "2026-09-01", "2026-09-30", ""),
        ("3 sept", "2026-09-03", "2026-09-03", ""),
        ("dix-sept sept. 2026", "2026-09-17", "2026-09-17", ""),
        ("lun. 16 nov. 2026", "2026-11-16", "2026-11-16", ""),
        ("mar. 3 mar. 2026", "2026-03-03", "2026-03-03", ""),
        ("Mon, 16 Nov 2026", "2026-11-16", "2026-11-16", ""),
        ("du 3 au 18 févr. 2026", "2026-02-03", "2026-02-18", ""),
        ("oct. à nov. 2026", "2026-10-01", "2026-11-30", ""),
        ("oct et nov 2025", "2025-10-01", "2025-11-30", ""),
        ("depuis le 3 déc. 2025", "2025-12-03", "2026-11-29", ""),
        ("Nov. 17, 2026", "2026-11-17", "2026-11-17", ""),
        ("letters since Nov 17", "2026-11-17", "2026-11-29", ""),
        ("factures en oct.", "2026-10-01", "2026-10-31", "factures"),
        ("factures de nov.", "2026-11-01", "2026-11-30", "factures"),
        ("début janv. 2026", "2026-01-01", "2026-01-31", ""),
        ("du 1er août au 3 sept. 2026", "2026-08-01", "2026-09-03", ""),
        ("depuis trois jours", "2026-11-26", "2026-11-29", ""),
        ("courriers reçus depuis 3 jours", "2026-11-26", "2026-11-29", ""),
        ("plaintes depuis deux semaines Kara", "2026-11-15", "2026-11-29", "plaintes Kara"),
        ("depuis un mois préfet", "2026-10-29", "2026-11-29", "préfet"),
        ("letters since three days", "2026-11-26", "2026-11-29", ""),
        ("ces derniers jours", "2026-11-22", "2026-11-29", ""),
        ("plaintes de ces derniers jours", "2026-11-22", "2026-11-29", "plaintes"),
        ("ces dernières semaines", "2026-11-01", "2026-11-29", ""),
        ("audit ces derniers mois", "2026-05-29", "2026-11-29", "audit"),
        ("ces quelques derniers jours", "2026-11-22", "2026-11-29", ""),
        ("letters of the last few days", "2026-11-22", "2026-11-29", ""),
        ("these past few weeks", "2026-11-01", "2026-11-29", ""),
        ("préfet la dernière semaine", "2026-11-22", "2026-11-29", "préfet"),
        ("rapports du dernier mois", "2026-10-29", "2026-11-29", "rapports"),
        ("reçus hier matin", "2026-11-28", "2026-11-28", ""),
        ("yesterday afternoon", "2026-11-28", "2026-11-28", ""),
        ("reçus lundi", "2026-11-23", "2026-11-23", ""),
        ("courriers de lundi", "2026-11-23", "2026-11-23", ""),
        ("letters of Monday", "2026-11-23", "2026-11-23", ""),
        ("courrier arrivé lundi matin", "2026-11-23", "2026-11-23", ""),
        ("17 nov.2026", "2026-11-17", "2026-11-17", ""),
        ("ſam. 14 nov. 2026", "2026-11-14", "2026-11-14", ""),
        ("FEV.2026 CEET", "2026-02-01", "2026-02-28", "CEET"),
        ("note du 12 DEC 2025", "2025-12-12", "2025-12-12", "note"),
        ("Monday Nov. 16, 2026", "2026-11-16", "2026-11-16", ""),
        ("last few weeks", "2026-11-01", "2026-11-29", ""),
        ("courriers depuis hier", "2026-11-28", "2026-11-29", ""),
        ("sent yesterday", "2026-11-28", "2026-11-28", ""),
        ("courriers de la DGE depuis hier", "2026-11-28", "2026-11-29", "courriers de la DGE"),
        ("courriers non traités hier", "2026-11-28", "2026-11-28", "courriers non traités"),
        ("expédiés hier", "2026-11-28", "2026-11-28", "expédiés"),
        ("unread since yesterday", "2026-11-28", "2026-11-29", "unread"),
        ("tout depuis hier", "2026-11-28", "2026-11-29", ""),
        ("hier préfet", "2026-11-28", "2026-11-28", "préfet"),
        ("version du 10.11.12", "2012-11-10", "2012-11-10", "version"),
        ("version 10/11/2026", "2026-11-10", "2026-11-10", "version"),
    ],
)
def test_days_in_words_are_a_period(text: str, first: str, last: str, rest: str) -> None:
    said = said_days(text, TODAY)
    assert said is not None
    assert (said.dated.first.isoformat(), said.dated.last.isoformat(), said.rest) == (first, last, rest)


@pytest.mark.parametrize(
    "text",
    [
        "marché de fournitures", "13 mois", "mai", "novembre", "facture novembre", "lettre de M. Mars", "plainte de Mme Mai", "tournoi de mai", "letters from June Smith",
        "courriers de la semaine sainte", "courriers de la semaine de la francophonie", "repos de la semaine", "signed by May", "d'ici au 31/10/2026", "lettre de Mai KOFFI", "lettre de Mai Koffi",
        "remplis de mai", "accomplis de mai", "prérapport de mars", "remplis de la semaine", "by the March commission",
        "le 3 mars prochain", "depuis lundi prochain",
        "le 30 février 2026", "champ de mars", "en mars et avril", "avant la grève", "hiérarchie",
        '"mars 2026"', "objet:mars 2026", "mars 2026 OU avril", "audit -interne mars 2026", "hier et avant-hier",
        "123/MEM/2026", "n° 30/11/2026", "le 31/02/2026", "du 18/11/2026/MMRE", "du 18 au 3 mars 2026", "premier ministre", "lettre-hier",
        "smic 2026", "budget de l'exercice 2026", "inapte depuis 1 mois", "lundi de Pentecôte", "l'année prochaine",
        "treizième mois", "en 1200", "twenty-five letters", "5e trimestre 2026", "3e semestre 2026", "in twenty three", "il y a mille ans", "semaine incomplète", "mars et avril",
        "invoice of March 3,000 euros", "amount of March 15 000 FCFA", "contract of May 2.5 million",
        "March 18 chairs", "in March 18 chairs", "en mars 61 773 F", "en décembre prochain", "depuis mars prochain", "in December next year",
        "en mars à venir", "en mars, avril et mai", "depuis mars et avril", "en mars - avril",
        "nov", "nov.", "facture nov", "les sept", "de sept.", "sept 20 mars prochain", "deux mille vingt sept", "dix sept 2026", "note de la DEC.", "note de DEC.", "12 DEC",
        "17-nov-2026", "12/DEC/2026", "12 DEC/2026", "17 mar", "mar 2026", "00017 nov", "17 novices", "17 nov'", "35 nov", "Nov 17 chairs", "Jan KOFFI", "lettre de Jan.",
        "agent absent depuis trois jours", "les derniers jours de la campagne", "la dernière semaine de la campagne", "le dernier mois du contrat", "ces derniers temps",
        "élèves de la dernière année", "loyer du dernier mois", "classe de la dernière semaine", "facture de mardi gras", "facture de mardi gras 2026",
        "courriers de mercredi des cendres", "demande de jeudi noir", "note de dimanche des rameaux", "letters of Monday blues",
        "campagne d'octobre rose", "campagne Octobre rose", "en octobre rose", "depuis novembre sans tabac", "en mars bleu", "octobre rose 2026",
        "malade depuis hier", "agent malade depuis lundi", "agent blessé hier", "réunion aujourd'hui", "sick since yesterday", "malade hier et avant-hier",
        f"courrier du 3 octobre {'mot ' * 75}",
        "lundi", "lundi matin", "réunion du lundi", "lettres du samedi 14", "budget DEC 2026", "17 nov.20261", "facture de lundi de Pentecôte", "lettres de Lundi KOFFI",
    ],
)  # fmt: skip
def test_other_texts_stay_words(text: str) -> None:
    assert said_days(text, TODAY) is None


def test_a_shortened_month_is_mentioned_in_full_and_taken_out_as_typed() -> None:
    said = said_days("facture du lun. 16 nov.  2026 CEET", TODAY)
    assert said is not None
    assert (said.dated.mention, said.words, said.rest) == (
        "lundi 16 novembre 2026",
        "du lun. 16 nov. 2026",
        "facture CEET",
    )


@pytest.mark.parametrize(
    ("text", "mention"),
    [
        ("Nov. 17, 2026", "november 17, 2026"), ("Tues. 17 Nov. 2026", "tuesday 17 november 2026"), ("17 Nov. 2026", "17 novembre 2026"),
        ("17 nov.2026", "17 novembre 2026"), ("3 sep 2026", "3 septembre 2026"), ("jan. 2026", "janvier 2026"), ("Sep 3, 2026", "september 3, 2026"),
    ],
)  # fmt: skip
def test_a_day_in_the_english_order_is_mentioned_in_english(text: str, mention: str) -> None:
    said = said_days(text, TODAY)
    assert said is not None
    assert said.dated.mention == mention


def test_a_named_period_may_stand_in_a_letter_s_text_and_a_relative_one_may_not() -> None:
    named, relative = said_days("du 18 novembre 2026", TODAY), said_days("hier", TODAY)
    assert named is not None
    assert named.dated.mention == "18 novembre 2026"
    assert relative is not None
    assert relative.dated.mention == ""
    year = said_days("au cours de l'année 2025", TODAY)
    assert year is not None
    assert year.dated.mention == "2025"
    of_any_year = said_days("factures du mois de mars", TODAY)
    assert of_any_year is not None
    assert of_any_year.dated.mention == "", "a letter of another year names the month too"


@pytest.mark.parametrize(
    ("text", "is_of_last_year"),
    [
        ("en décembre", True), ("depuis décembre", True), ("décret du 31 décembre", True), ("in December", True),
        ("de décembre à mars", True), ("avant le 30 novembre", False), ("jusqu'en décembre", False), ("depuis le 30 novembre", True),
        ("en novembre", False), ("le 29 novembre", False), ("en décembre 2025", False), ("décembre dernier", False), ("last December", False),
        ("du mois de mars", False), ("factures de décembre", True), ("la semaine dernière", False), ("du 30/11/2026", False), ("du 25 décembre 2024 au 3 janvier", False),
    ],
)  # fmt: skip
def test_a_date_without_a_year_that_is_still_to_come_is_told_as_last_year_s(text: str, is_of_last_year: bool) -> None:
    said = said_days(text, TODAY)
    assert said is not None
    assert said.is_of_last_year is is_of_last_year


def test_a_search_with_days_of_its_own_is_left_alone() -> None:
    query = SearchQuery("mars 2026", since=TODAY)
    assert asked(query, TODAY) == (query, None)


@pytest.mark.parametrize(
    ("today", "first", "last"),
    [("2026-12-28", "2026-12-25", "2027-01-03"), ("2027-01-01", "2026-12-25", "2027-01-03"), ("9999-12-31", "9998-12-25", "9999-01-03")],
)  # fmt: skip
def test_days_over_the_turn_of_the_year_are_the_last_ones_that_have_begun(today: str, first: str, last: str) -> None:
    said = said_days("du 25 décembre au 3 janvier", date.fromisoformat(today))
    assert said is not None
    assert (said.dated.first.isoformat(), said.dated.last.isoformat()) == (first, last)


@given(
    st.text(
        alphabet=st.sampled_from("0123 marsdehilun'-,\n du le au 2026ſıİ١ en deux mille vingt-six dernier mois ago"),
        max_size=60,
    ),
    st.dates(),
)
def test_no_text_fails_and_no_other_word_is_lost(text: str, today: date) -> None:
    said = said_days(text, today)
    if said is not None and said.rest:
        assert sorted(f"{said.words} {said.rest}".replace(" ", "")) == sorted("".join(text.split()))


@pytest.mark.parametrize(
    ("text", "number", "rest"),
    [
        ("17 novembre 2026", "", ""), ("17/11/2026", "17/11/2026", ""), ("17/11/26", "17/11/26", ""), ("17.11.2026", "17.11.2026", ""),
        ("17.11.26", "17.11.26", ""), ("17-11-26", "17-11-26", ""), ("2026-11-17", "2026-11-17", ""), ("le 2026-11-17.", "", ""),
        ("17 nov. 26", "", ""), ("17 novembre 26", "", ""), ("courrier du 17/11/26", "", ""), ("17/11/26, CEET", "17/11/26", ", CEET"),
        ("facture (17.11.2026)", "17.11.2026", "facture ( )"), ("17 novembre", "", ""), ("17 novembre 26 chaises", "", "26 chaises"),
    ],
)  # fmt: skip
def test_a_day_is_the_same_day_however_it_is_typed(text: str, number: str, rest: str) -> None:
    said = said_days(text, TODAY)
    assert said is not None
    day = date(2026, 11, 17)
    assert (said.dated.first, said.dated.last, said.dated.number, said.rest) == (day, day, number, rest)
    named = "17 novembre" if text in ("17 novembre", "17 novembre 26 chaises") else "17 novembre 2026"
    assert said.dated.mentions == (named, "17/11/2026", "17/11/26")


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("du 12/11/26 au 15.11.26", "2026-11-12", "2026-11-15"), ("depuis le 2026-11-12", "2026-11-12", "2026-11-29"),
        ("avant le 12.11.26", "1000-01-01", "2026-11-11"), ("12/11/98", "1998-11-12", "1998-11-12"), ("12/11/49", "2049-11-12", "2049-11-12"),
        ("12/11/50", "1950-11-12", "1950-11-12"),
    ],
)  # fmt: skip
def test_figures_are_days_of_bounds_and_of_their_century(text: str, first: str, last: str) -> None:
    said = said_days(text, TODAY)
    assert said is not None
    assert (said.dated.first.isoformat(), said.dated.last.isoformat()) == (first, last)


@pytest.mark.parametrize(
    "text",
    [
        "012/11/26/MEF", "12/11/26/MEF", "MEF/12/11/26", "MEF-12-11-26", "12/11/26-MEF", "n° 12/11/26", "N°12/11/26", "n°: 12/11/2026", "no 12/11/26",
        "numéro 12/11/26", "réf. 12/11/26", "V/Réf : 12/11/26", "№ 12/11/26", "1.2.26", "22-30-81-40", "12/11-26", "12.11/2026", "32/11/26", "12/13/26", "12/11/26.5",
        "112/11/26", "12/11/260", "réf:12/11/26", '"12/11/26"', "12/11",
    ],
)  # fmt: skip
def test_a_reference_of_figures_is_no_day(text: str) -> None:
    assert said_days(text, TODAY) is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("arrêtés depuis mars prochain", "depuis mars prochain"),
        ("since next December", "since next December"),
        ("la semaine prochaine", "la semaine prochaine"),
        ("in December next year", "in December next year"),
        ("plan de l'année à venir", "de l'année à venir"),
        ("réponse d'ici vendredi", "d'ici vendredi"),
        ("d’ici la fin de l’année", "d’ici la fin de l’année"),
        ("d'ici à la fin du mois", "d'ici à la fin du mois"),
        ("d'ici fin de semaine", "d'ici fin de semaine"),
        ("reply by Friday", "by Friday"),
        ("reply by the end of the month", "by the end of the month"),
        ("plan d'ici à mai", "d'ici à mai"),
        ("le 3 mars prochain", "le 3 mars prochain"),
        ("d'ici fin décembre", "d'ici fin décembre"),
        ("rapports d'ici la fin de mars", "d'ici la fin de mars"),
        ("d'ici la fin du mois de mars 2027", "d'ici la fin du mois de mars 2027"),
        ("d'ici fin février", "d'ici fin février"),
        ("d'ici le 15 décembre", "d'ici le 15 décembre"),
        ("d'ici le 15 décembre dernier", "d'ici le 15 décembre dernier"),
        ("d'ici lundi", "d'ici lundi"),
        ("d'ici la fin du mois", "d'ici la fin du mois"),
        ("d'ici deux semaines au préfet", "d'ici deux semaines"),
        ("d'ici la fin de l'année prochaine", "d'ici la fin de l'année prochaine"),
        ("d'ici la fin du premier trimestre 2027", "d'ici la fin du premier trimestre 2027"),
        ("d'ici au 31/12/2026", "d'ici au 31/12/2026"),
        ("d’ici au 31/10/2026", "d’ici au 31/10/2026"),
        ("d'ici le 31.12.2026", "d'ici le 31.12.2026"),
        ("d'ici au 31/12", "d'ici au 31/12"),
        ("d'ici le 15", "d'ici le 15"),
        ("les gens d'ici", ""),
        ("d'ici 15 ministres", ""),
        ("reports by the end of December", "by the end of December"),
        ("by December", "by December"),
        ("by December 15, 2026", "by December 15, 2026"),
        ("by the 15th of December", "by the 15th of December"),
        ("by the month of December", "by the month of December"),
        ("by the end of May", "by the end of May"),
        ("by May 2027", "by May 2027"),
        ("by Monday", "by Monday"),
        ("signed by May", ""),
        ("by the March commission", ""),
        ("courriers reçus hier à rendre d'ici lundi", "d'ici lundi"),
        ("hier", ""),
        ("mars", ""),
        ("marché suivant devis", ""),
        ("objet:prochain mars prochain", ""),
        ("d'ici le 15 déc.", "d'ici le 15 déc."),
        ("agent absent depuis trois jours", "depuis trois jours"),
        ("inapte depuis 1 mois", "depuis 1 mois"),
        ("plaintes de ces derniers temps", "de ces derniers temps"),
        ("plaintes il y a quelques jours", "il y a quelques jours"),
        ("agent absent depuis quelques semaines", "depuis quelques semaines"),
        ("letters of a few days ago", "a few days ago"),
        ("malade depuis hier", "depuis hier"),
        ("agent malade depuis lundi", "depuis lundi"),
        ("depuis lundi prochain", "depuis lundi prochain"),
        ("courriers depuis hier", ""),
        ("campagne d'octobre rose", ""),
        ("facture sans période", ""),
    ],
)
@pytest.mark.parametrize("today", [TODAY, date(2028, 2, 29)])
def test_days_to_come_and_other_words_of_time_stay_words_and_are_told(text: str, told: str, today: date) -> None:
    assert not_read(text, today) == (NotRead(told, are_several=False) if told else None)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("courriers d'hier, avant-hier", "d'hier, avant-hier"),
        ("hier et avant-hier", "hier, avant-hier"),
        ("courriers de novembre reçus en décembre", "de novembre, en décembre"),
    ],
)
def test_several_periods_are_told_as_such(text: str, told: str) -> None:
    assert not_read(text, TODAY) == NotRead(told, are_several=True)
    assert said_days(text, TODAY) is None


def test_a_limit_to_come_leaves_the_period_beside_it() -> None:
    said = said_days("courriers reçus hier à rendre d'ici lundi", TODAY)
    assert said is not None
    assert (said.words, said.rest) == ("hier", "courriers reçus à rendre d'ici lundi")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("31 février", "31 février"),
        ("plainte du 31 avril 2026", "31 avril 2026"),
        ("le 29 février 2026", "29 février 2026"),
        ("le 31/02/2026", "31/02/2026"),
        ("February 31, 2026", "February 31, 2026"),
        ("31 févr. 2026", "31 février 2026"),
        ("29 février", ""),
        ("29 février 2024", ""),
        ("1er mars", ""),
        ("3rd March 2026", ""),
        ("trente et un mars", ""),
        ('"31 février"', ""),
        ("31/02/2026", "31/02/2026"),
        ("courrier du 31-02-2026", "31-02-2026"),
        ("31/13/2026", ""),
        ("45/02/2026", ""),
        ("32/02/2026", ""),
        ("0/02/2026", ""),
        ("31/02/26", "31/02/26"),
        ("du 30.02.26", "30.02.26"),
        ("2026-02-30", "2026-02-30"),
        ("réf. 31/02/26", ""),
        ("lot 45/02/26", ""),
        ("12/13/26", ""),
        ("February 31", "February 31"),
        ("of February 31", "February 31"),
        ("from February 31 to March 5", "February 31"),
        ("between 1 and 31 February", "31 February"),
        ("entre le 30 et le 31 février", "31 février"),
        ("avant le 31 février", "31 février"),
        ("du 31 février au 5 mars 2026", "31 février"),
        ("April 18 chairs", ""),
        ("April 45 chairs", ""),
        ("budget of April 31 000", ""),
        ("plainte", ""),
    ],
)
def test_a_day_that_does_not_exist_is_told(text: str, told: str) -> None:
    assert not_a_day(text) == told


@pytest.mark.parametrize(
    "text",
    ["MEF.12/11/2026", "#12/11/2026", "version 1.2.26", "version 10.11.12", "Version 10-11-12", "article 10.11.12"],
)
def test_figures_of_a_reference_are_no_day(text: str) -> None:
    assert said_days(text, date(2026, 12, 2)) is None


@pytest.mark.parametrize("text", ["premıer mars 2026", "PREMİER mars 2026", "du premıer mars 2026"])
def test_the_first_day_is_read_with_any_letter_that_a_pattern_takes_for_an_i(text: str) -> None:
    """The page of the search failed."""
    found = said_days(text, date(2026, 12, 2))
    assert found is not None
    assert found.dated.first == found.dated.last == date(2026, 3, 1)
    assert not not_a_day(text)


@pytest.mark.parametrize(
    "text", ["7", "12/11/26 ", "/", "%", "e\u0301", "\u0301\u0323", "😀", "du 3 mars au ", "d'ici le ", "depuis hier "]
)
@pytest.mark.parametrize("size", [300, 1_000_000])
def test_days_are_looked_for_at_once_in_any_text(text: str, size: int) -> None:
    whole = (text * size)[:size]
    started = process_time()
    said_days(whole, TODAY)
    not_a_day(whole)
    not_read(whole, TODAY)
    assert process_time() - started < 0.5
